// Own writes of a session that died with the nodes that had them (design section 7): a node in a view without those nodes says so in place of
// an answer. They are made again there, before anything else that the session asks.

import type { MeshError } from "../errors.js";
import { encodeGetMany, type Call } from "./call.js";
import { WriteCall, type Version } from "./calls.js";
import { EntriesCall } from "./entries-call.js";
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

  /** Leaves out keys that somebody has written later: there the lost write would have lost. */
  async #remake(deadline: number): Promise<void> {
    const session = this.#session;
    for (let write = this.#own.firstLost; write !== undefined; write = this.#own.firstLost) {
      const { changes, timestamp } = write;
      const keys = changes.map(({ key }) => key);
      const versions = await this.#versions(keys, deadline);
      const now = session.mesh.platform.clock.now();
      const again = changes
        .filter(({ key }, index) => versions[index].timestamp < timestamp && this.#own.isLost(this.#own.newest(key)!.write))
        .map(({ key, value, expiresAt }) => ({ key, value, ttlMs: expiresAt === 0 ? 0 : Math.max(1, expiresAt - now), expiresAt: 0 }));
      if (again.length > 0) await this.#make<void>((resolve, reject) => new WriteCall(session, deadline, this.#durability, again, true, resolve, reject));
      this.#own.remade(write);
    }
  }

  /** Which write each of the keys shows, whatever the session itself has written. */
  #versions(keys: readonly string[], deadline: number): Promise<readonly Version[]> {
    const session = this.#session;
    return this.#make<readonly Version[]>((resolve, reject) => {
      const call: EntriesCall = new EntriesCall(session, deadline, {
        count: keys.length,
        encode: (out, id, context) => encodeGetMany(out, id, context, { versioned: true, fresh: false }, keys),
        found: (entries, link) => {
          // What is decided by them depends on them.
          session.follow(link, call.view);
          resolve(entries.map(({ version }) => version));
        },
        reject,
      });
      return call;
    });
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
