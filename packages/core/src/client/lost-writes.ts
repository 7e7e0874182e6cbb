// Own writes of a session that died with the nodes that had them (design section 7): a node in a view without those nodes says so in place of
// an answer. They are made again there, before anything else that the session asks.

import type { MeshError } from "../errors.js";
import { timestampMs } from "../protocol/hybrid-clock.js";
import { readChange } from "../merging/change.js";
import { nameOf } from "../merging/keys.js";
import { isCommit, isMerging } from "../protocol/own-keys.js";
import { EMPTY_VECTOR } from "../protocol/vector.js";
import type { Call, Change } from "./call.js";
import { WriteCall } from "./calls.js";
import { CommitCall } from "./commit-call.js";
import type { OwnWrite } from "./context.js";
import { MergeCall } from "./merge-calls.js";
import type { OwnWrites } from "./own-writes.js";
import type { ClientSession } from "./session.js";

export class LostWrites {
  readonly #session: ClientSession;
  readonly #own: OwnWrites;
  readonly #durability: number;
  readonly #submit: (call: Call) => void;
  /** Ends when the calls so far have been made, or have failed. */
  #turn: Promise<void> = Promise.resolve();
  /** The calls that make writes again. */
  readonly #calls = new Set<Call>();

  constructor(session: ClientSession, own: OwnWrites, durability: number, submit: (call: Call) => void) {
    this.#session = session;
    this.#own = own;
    this.#durability = durability;
    this.#submit = submit;
  }

  /** Makes what lies beyond these final counters again, and then the call. */
  before(call: Call, finals: ReadonlyMap<number, number>): void {
    this.#own.lose(finals);
    if (this.#calls.has(call)) {
      this.#submit(call);
      return;
    }
    // One after the other: calls that were under way together are all told, and the first of them makes the writes again.
    this.#turn = this.#turn.then(async () => {
      try {
        await this.#remake(call.deadline);
        this.#submit(call);
      } catch (error) {
        this.#own.relapse();
        call.failed(error as MeshError);
      }
    });
  }

  /**
   * ⚑ Each under the timestamp that it had: it loses against what somebody has written since, stands before what its session wrote after it, and
   * does no harm when a fork makes it again as well.
   */
  async #remake(deadline: number): Promise<void> {
    const session = this.#session;
    for (let write = this.#own.firstLost; write !== undefined; write = this.#own.firstLost) {
      if (isMerging(write.changes[0].key)) {
        await this.#merge(deadline, write);
        this.#own.remade(write);
        continue;
      }
      const { timestamp } = write;
      const writtenMs = timestampMs(timestamp);
      const changes = write.changes.map(({ key, value, expiresAt }) => ({ key, value, ttlMs: expiresAt === 0 ? 0 : expiresAt - writtenMs, expiresAt: 0 }));
      const mark = changes.find(({ key }) => isCommit(key));
      if (mark === undefined)
        await this.#make<void>((resolve, reject) => new WriteCall(session, deadline, timestamp, this.#durability, changes, true, resolve, reject));
      else await this.#commit(deadline, timestamp, mark, changes);
      this.#own.remade(write);
    }
  }

  /** It goes to the share of whichever node makes it now. */
  async #merge(deadline: number, write: OwnWrite): Promise<void> {
    const [{ key, value }] = write.changes;
    const name = nameOf(key);
    const again = this.#session.merges.madeAgain(readChange(name, value!), write);
    await this.#make<void>((resolve, reject) => new MergeCall(this.#session, deadline, this.#durability, name, again, resolve, reject));
  }

  /** Another use of the transaction's token may have committed it meanwhile: then that is the commit. */
  async #commit(deadline: number, timestamp: number, mark: Change, changes: readonly Change[]): Promise<void> {
    const session = this.#session;
    await this.#make<void>(
      (resolve, reject) =>
        new CommitCall(session, deadline, {
          tried: new Set(),
          begun: EMPTY_VECTOR,
          timestamp,
          durability: this.#durability,
          changes: [mark, ...changes.filter((change) => change !== mark)],
          made: (link, counter, madeAt, view) => {
            session.wrote(link, counter, madeAt, changes, view);
            resolve();
          },
          repeated: (link, write, follows, view) => {
            session.met(link, write, follows, view);
            resolve();
          },
          reject,
        }),
    );
  }

  async #make<Result>(create: (resolve: (value: Result) => void, reject: (error: Error) => void) => Call): Promise<Result> {
    let call: Call | undefined;
    try {
      return await new Promise<Result>((resolve, reject) => {
        call = create(resolve, reject);
        this.#calls.add(call);
        this.#submit(call);
      });
    } finally {
      this.#calls.delete(call!);
    }
  }
}
