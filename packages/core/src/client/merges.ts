// Counters and sets as a session's user holds them.

import { inputText, MeshError } from "../errors.js";
import { KEY_BYTES_MAX, KEYS_PER_REQUEST_MAX, MEMBER_LENGTH_MAX } from "../limits.js";
import { encodeUtf8 } from "../bytes/utf8.js";
import { isMember, type Change } from "../merging/change.js";
import { countOf, type Addition, type CounterShare } from "../merging/counter.js";
import { dotOf } from "../merging/dot.js";
import { SHARE_BYTES_MAX } from "../merging/keys.js";
import { marksOf, removalOf, type SetChange, type SetShare } from "../merging/member-set.js";
import type { CallOptions, MergeOptions } from "../mesh.js";
import { COUNTER, SET } from "../protocol/own-keys.js";
import type { Version } from "./calls.js";
import type { OwnWrite } from "./context.js";
import { storedKey } from "./keys.js";
import { MergeCall, SharesCall, type Shares } from "./merge-calls.js";
import type { OwnWrites } from "./own-writes.js";
import type { ClientSession } from "./session.js";

export class SessionMerges {
  readonly #session: ClientSession;
  readonly #own: OwnWrites;

  constructor(session: ClientSession, own: OwnWrites) {
    this.#session = session;
    this.#own = own;
  }

  /** ⚑ Own changes of a share that are not in it yet: only one node makes it, so what is older than its version is. */
  ownChanges(share: string, { timestamp }: Version): OwnWrite[] {
    return this.#own.on(share).filter((write) => write.timestamp > timestamp);
  }

  /** ⚑ A change that is made again names the dot that it had, so that it counts once, however many forks make it again. */
  madeAgain(change: Change, write: OwnWrite): Change {
    return { ...change, of: change.of ?? dotOf(write) };
  }

  async increment(key: string, by: number, options: MergeOptions | undefined): Promise<void> {
    const name = this.#name(COUNTER, key);
    if (!Number.isSafeInteger(by)) throw new MeshError("VALUE_INVALID", `increment takes a whole number, not ${inputText(by)}`);
    await this.#change(name, { by }, options);
  }

  async count(key: string, options: CallOptions | undefined): Promise<number> {
    const { shares, own } = await this.#read(this.#name(COUNTER, key), options);
    return countOf(
      shares as CounterShare[],
      own.map(([, addition]) => addition as Addition),
    );
  }

  async addMembers(key: string, members: readonly string[], options: MergeOptions | undefined): Promise<void> {
    const name = this.#name(SET, key);
    checkMembers(members);
    if (members.length > 0) await this.#change(name, { add: [...members] }, options);
  }

  async removeMembers(key: string, members: readonly string[], options: MergeOptions | undefined): Promise<void> {
    const name = this.#name(SET, key);
    checkMembers(members);
    this.#session.checkFree();
    const remove = removalOf(members, await this.#marks(name, options));
    if (Object.keys(remove).length > 0) await this.#change(name, { remove }, options);
  }

  async members(key: string, options: CallOptions | undefined): Promise<string[]> {
    return [...(await this.#marks(this.#name(SET, key), options)).keys()].sort();
  }

  async #marks(name: string, options: CallOptions | undefined): Promise<Map<string, string[]>> {
    const { shares, own } = await this.#read(name, options);
    return marksOf(shares as SetShare[], own as (readonly [string, SetChange])[]);
  }

  #name(kind: string, key: unknown): string {
    const stored = storedKey(this.#session.namespace, key);
    if (stored.length * 3 > KEY_BYTES_MAX - 2 - SHARE_BYTES_MAX && encodeUtf8(stored).length > KEY_BYTES_MAX - 2 - SHARE_BYTES_MAX)
      throw new MeshError("KEY_INVALID", `the key of a counter or set takes at most ${KEY_BYTES_MAX - 2 - SHARE_BYTES_MAX} bytes with its namespace`);
    return kind + stored;
  }

  async #change(name: string, change: Change, options: MergeOptions | undefined): Promise<void> {
    const session = this.#session;
    session.checkFree();
    this.#own.checkRoom();
    await new Promise<void>((resolve, reject) => {
      const call = new MergeCall(session, session.deadline(options), session.durabilityOf(options), name, change, resolve, reject);
      session.mesh.submit(call, session.peer, options?.signal);
    });
  }

  async #read(name: string, options: CallOptions | undefined): Promise<Shares> {
    const session = this.#session;
    const deadline = session.deadline(options);
    return await new Promise((resolve, reject) => {
      const ask = (): void => session.mesh.submit(new SharesCall(session, deadline, name, resolve, reject, ask), session.peer, options?.signal);
      ask();
    });
  }
}

function checkMembers(members: unknown): void {
  if (!Array.isArray(members)) throw new MeshError("VALUE_INVALID", "the members of a set are an array of texts");
  if (members.length > KEYS_PER_REQUEST_MAX)
    throw new MeshError("VALUE_TOO_LARGE", `${members.length} members in one call; at most ${KEYS_PER_REQUEST_MAX} are allowed: use several calls`);
  const odd = members.find((member) => !isMember(member));
  if (odd !== undefined || members.includes(undefined))
    throw new MeshError("VALUE_INVALID", `a member of a set is a text of 1 to ${MEMBER_LENGTH_MAX} characters, not ${inputText(odd)}`);
}
