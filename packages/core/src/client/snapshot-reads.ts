// What a transaction reads (design section 10). The first read fixes the snapshot: what its node shows then. Every later one, at whichever node,
// is answered from that, and from the own writes that the session had in flight: the snapshot with them is closed.
//
// Where the node does not know what a key was, the snapshot is extended ⚑: to what the node shows now, if all that was read is the same there.
// If it is not, another node may know. If none does, the transaction is given up.

import type { Gone } from "../cache/versions.js";
import { MeshError } from "../errors.js";
import { KEYS_PER_REQUEST_MAX } from "../limits.js";
import type { CallOptions } from "../mesh.js";
import { timestampMs } from "../protocol/hybrid-clock.js";
import type { Snapshot } from "../protocol/snapshot.js";
import { join } from "../protocol/vector.js";
import { encodeGetMany, encodeReadAt, type Call, type Caller } from "./call.js";
import type { Place } from "./calls.js";
import type { OwnWrite, SessionContext, WriteId } from "./context.js";
import { EntriesCall, type EntriesCallOptions, type Found } from "./entries-call.js";
import { userKey } from "./keys.js";
import type { Link } from "./link.js";
import type { OpenTransaction, Seen } from "./open-transaction.js";
import { OwnWrites } from "./own-writes.js";
import type { Peer } from "./peer.js";
import type { ClientSession } from "./session.js";

/** What a key shows, and by which write. */
interface Shown {
  readonly seen: Seen;
  readonly value: Place | undefined;
}

const NONE_GONE: ReadonlyMap<string, Gone> = new Map();
const VERSIONED = { versioned: true, fresh: false };

export class SnapshotReads implements Caller {
  snapshot: Snapshot | undefined;
  /** The hybrid timestamp by which values have expired for the snapshot. */
  time = 0;
  readonly seen: Map<string, Seen>;
  readonly #session: ClientSession;
  /** The session's writes that are not within the snapshot. */
  #own = new OwnWrites();

  constructor(session: ClientSession, from: OpenTransaction | undefined) {
    this.#session = session;
    this.snapshot = from?.snapshot;
    this.time = from?.time ?? 0;
    this.seen = new Map(from?.seen);
    if (from?.snapshot !== undefined) this.takeOwn(session.context(), from.own);
  }

  /** The own writes that the snapshot is read with. */
  get ownWrites(): readonly OwnWrite[] {
    return this.#own.writes;
  }

  /** ⚑ The session's writes in flight belong to what its transaction reads: those that it had when the snapshot was fixed, and none that it learns of later. */
  protected takeOwn({ own, written }: SessionContext, had: readonly WriteId[] = own): void {
    this.#own = new OwnWrites();
    for (const write of own) if (had.some(({ replica, counter }) => write.replica === replica && write.counter === counter)) this.#own.restore(write, written);
  }

  /** ⚑ Own writes go when the snapshot shows them, not when some node does. */
  protected dropOwn(link: Link): void {
    this.#own.drop(link.applied, link);
  }

  // The caller of its calls.

  /** What the session knows, with the own writes that the snapshot does not show. */
  context(): SessionContext {
    const { visible, written, time, own } = this.#session.context();
    if (this.#own.isEmpty) return { visible, written, time: Math.max(time, this.time), own };
    const known = new Set(own.map(({ replica, counter }) => `${replica}:${counter}`));
    return {
      visible,
      written: join(written, this.#own.written),
      time: Math.max(time, this.time),
      own: [...own, ...this.#own.writes.filter(({ replica, counter }) => !known.has(`${replica}:${counter}`))],
    };
  }

  contextFor(link: Link): SessionContext | undefined {
    const context = this.context();
    return link.knows(context.visible, context.time) && link.knowsWritten(context.written) ? undefined : context;
  }

  moved(from: Peer, to: Peer): void {
    this.#session.moved(from, to);
  }

  /** The session makes them again, as writes of its own. */
  lostWrites(call: Call, finals: ReadonlyMap<number, number>): void {
    this.#own.lose(finals);
    this.#session.lostWrites(call, finals);
  }

  // Reads.

  /** The values of keys, all from the snapshot. Rejects with SNAPSHOT_TOO_OLD where no node has them. */
  async read(given: readonly string[], options: CallOptions): Promise<ReadonlyMap<string, unknown>> {
    const values = new Map<string, unknown>();
    if (given.length === 0) return values;
    const keys = given.length === 1 ? given : [...new Set(given)];
    while (this.snapshot === undefined) if (await this.#readFirst(keys, options, values)) return values;
    const gone = await this.#readAt(keys, options, this.#session.peer, values);
    if (gone.size > 0) await this.#seek(gone, options, values);
    return values;
  }

  /** Of what this node does not know any more: the snapshot may move, or another node may know it. */
  async #seek(gone: ReadonlyMap<string, Gone>, options: CallOptions, values: Map<string, unknown>): Promise<void> {
    if (!(await this.#extend([...gone.keys()], options, values))) await this.#askOthers(gone, options, values);
  }

  /** The value of one key: what most reads ask for, and then with the one promise that its caller waits for. */
  readOne(key: string, options: CallOptions): Promise<unknown> {
    const keys = [key];
    if (this.snapshot === undefined) return this.read(keys, options).then((values) => values.get(key));
    return this.#ask<unknown>(this.#session.peer, options, 1, (resolve) => ({
      encode: (out, id, context) => encodeReadAt(out, id, context, this.snapshot!, this.time, keys),
      found: ([found]) => {
        const shown = this.#shown(key, found);
        const why = this.#whyGone(key, found, shown);
        if (why === undefined) {
          this.seen.set(key, shown.seen);
          resolve(this.#decoded(shown));
          return;
        }
        const values = new Map<string, unknown>();
        resolve(this.#seek(new Map([[key, why]]), options, values).then(() => values.get(key)));
      },
    }));
  }

  /** Fixes the snapshot; false where the view changed meanwhile, and it has to be asked again. */
  #readFirst(keys: readonly string[], options: CallOptions, values: Map<string, unknown>): Promise<boolean> {
    return this.#ask<boolean>(this.#session.peer, options, keys.length, (resolve) => ({
      encode: (out, id, context) => encodeGetMany(out, id, context, VERSIONED, keys),
      found: (entries, link, isCurrent) => {
        if (isCurrent) {
          // Before the session lets go of those that the node shows: the winner of both is shown.
          this.takeOwn(this.#session.context());
          this.#move(link);
          this.#take(keys, entries, values);
          this.dropOwn(link);
        }
        resolve(isCurrent);
      },
    }));
  }

  /** Lets the snapshot be what the node shows that has just answered; its session has seen that now. */
  #move(link: Link): void {
    const session = this.#session;
    session.follow(link, link.view);
    this.snapshot = link.snapshot();
    this.time = session.time;
  }

  /** Reads from the snapshot, at this node; returns the keys of which it does not know what they were. */
  #readAt(keys: readonly string[], options: CallOptions, peer: Peer, values: Map<string, unknown>): Promise<ReadonlyMap<string, Gone>> {
    return this.#ask(peer, options, keys.length, (resolve) => ({
      encode: (out, id, context) => encodeReadAt(out, id, context, this.snapshot!, this.time, keys),
      found: (entries) => resolve(this.#take(keys, entries, values)),
    }));
  }

  /** Notes what was found, and returns the keys of which it was not. */
  #take(keys: readonly string[], entries: readonly Found[], values: Map<string, unknown>): ReadonlyMap<string, Gone> {
    let gone: Map<string, Gone> | undefined;
    for (let index = 0; index < keys.length; index++) {
      const key = keys[index];
      const found = entries[index];
      const shown = this.#shown(key, found);
      const why = this.#whyGone(key, found, shown);
      if (why === undefined) this.#note(key, shown, values);
      else (gone ??= new Map()).set(key, why);
    }
    return gone ?? NONE_GONE;
  }

  #whyGone(key: string, { gone, fromLoader }: Found, { seen }: Shown): Gone | undefined {
    const before = this.seen.get(key);
    // A row that has expired may leave the store before the transaction has ended.
    return gone ?? (before !== undefined && !isSame(before, seen) && !fromLoader ? "evicted" : undefined);
  }

  #note(key: string, shown: Shown, values: Map<string, unknown>): void {
    this.seen.set(key, shown.seen);
    values.set(key, this.#decoded(shown));
  }

  #decoded({ value }: Shown): unknown {
    return value === undefined ? undefined : this.#session.mesh.decode(value.bytes, value.start, value.end);
  }

  /** The winner of what the node shows and the session's own version. */
  #shown(key: string, { version, fromLoader, value }: Found): Shown {
    const own = this.#session.winner(this.#own.newest(key), version, fromLoader);
    if (own === undefined) return { seen: { replica: version.replica, counter: version.counter, hit: value !== undefined }, value };
    const { write, change } = own;
    const hasExpired = change.expiresAt !== 0 && change.expiresAt <= timestampMs(this.time);
    const bytes = hasExpired ? null : change.value;
    const seen = { replica: write.replica, counter: write.counter, hit: bytes !== null };
    return { seen, value: bytes === null ? undefined : { bytes, start: 0, end: bytes.length } };
  }

  /** Reads the keys, and all that was read before, at what the node shows now; moves the snapshot there if that is the same. */
  #extend(keys: readonly string[], options: CallOptions, values: Map<string, unknown>): Promise<boolean> {
    const wanted = [...new Set([...this.seen.keys(), ...keys])];
    if (wanted.length > KEYS_PER_REQUEST_MAX) return Promise.resolve(false);
    return this.#ask<boolean>(this.#session.peer, options, wanted.length, (resolve) => ({
      encode: (out, id, context) => encodeGetMany(out, id, context, VERSIONED, wanted),
      found: (entries, link, isCurrent) => {
        const before = { snapshot: this.snapshot, time: this.time };
        if (isCurrent) this.#move(link);
        const shown = wanted.map((key, index) => this.#shown(key, entries[index]));
        const holds = isCurrent && wanted.every((key, index) => this.isUnchanged(this.seen.get(key), shown[index].seen));
        if (!holds) Object.assign(this, before);
        else {
          const sought = new Set(keys);
          wanted.forEach((key, index) => sought.has(key) && this.#note(key, shown[index], values));
          this.dropOwn(link);
        }
        resolve(holds);
      },
    }));
  }

  /** ⚑ The snapshot moves only to where all that was read is the same. */
  protected isUnchanged(before: Seen | undefined, now: Seen): boolean {
    return before === undefined || isSame(before, now);
  }

  /** Asks the other nodes for what this one does not know. */
  async #askOthers(gone: ReadonlyMap<string, Gone>, options: CallOptions, values: Map<string, unknown>): Promise<void> {
    let left = gone;
    for (const peer of this.#session.mesh.peersBeside(this.#session.peer)) {
      left = await this.#readAt([...left.keys()], options, peer, values);
      if (left.size === 0) return;
    }
    const [[key, why]] = left;
    this.#session.peer.link?.gaveUp(why);
    throw tooOld(userKey(this.#session.namespace, key), why);
  }

  #ask<Result>(
    peer: Peer,
    options: CallOptions,
    count: number,
    make: (resolve: (result: Result | Promise<Result>) => void) => Pick<EntriesCallOptions, "encode" | "found">,
  ): Promise<Result> {
    const session = this.#session;
    return new Promise<Result>((resolve, reject) => {
      const { encode, found } = make(resolve);
      session.mesh.submit(new EntriesCall(this, session.deadline(options), { count, encode, found, reject }), peer, options.signal);
    });
  }
}

function isSame(a: Seen, b: Seen): boolean {
  return a.replica === b.replica && a.counter === b.counter && a.hit === b.hit;
}

const REASONS: Readonly<Record<Gone, string>> = {
  retention: "it was overwritten longer ago than snapshotRetention; make the transaction shorter, or keep versions for longer",
  memory: "the versions kept reached snapshotBytes; give the nodes more of it, or make the transaction shorter",
  evicted: "it was in no node's cache when it was overwritten; give the nodes more cacheBytes, or read it earlier",
};

function tooOld(key: string, why: Gone): MeshError {
  const message = `what ${JSON.stringify(key)} was at the snapshot of this transaction is not known any more: ${REASONS[why]}; the transaction may be made again`;
  return new MeshError("SNAPSHOT_TOO_OLD", message, { cause: why });
}
