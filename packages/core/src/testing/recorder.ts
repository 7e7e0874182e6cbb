// Writes down what sessions ask and are told, in the terms of the history: values are the numbers of writes. A deletion has no value; it is known by
// its dot, which may become known after others have met it, so such observations are completed at the end of the run.

import { decodeUtf8 } from "../bytes/utf8.js";
import type { Entry } from "../mesh.js";
import type { OwnChange } from "../client/context.js";
import { COMMIT_IN_STORE, isMerging, staysInRing } from "../protocol/own-keys.js";
import { walkSegment, type Segment } from "../protocol/segment.js";
import type { View } from "../protocol/view.js";
import { Elements } from "./elements.js";
import { History, type Observation, type Outcome, type Stamp, type StoredWrite, type Write, type WriteDetails } from "./history.js";
import type { StoreContent } from "./simulated-store.js";

type OpenObservation = { -readonly [Field in keyof Observation]: Observation[Field] };

export class Recorder {
  readonly history = new History();
  readonly elements = new Elements();
  readonly #padding: string;
  readonly #byDot = new Map<string, number>();
  /** Deletions whose outcome nobody told, by key: at most one each, so that a row tells which it was. */
  readonly #unknownDeletions = new Map<string, number>();
  readonly #openDeletions = new Set<string>();
  readonly #vectors = new Map<string, Readonly<Record<number, number>>>();
  readonly #unnamed: [observation: OpenObservation, dot: string][] = [];
  readonly #storeStates: { atMs: number; rows: [key: string, stamp: Stamp, value: Uint8Array | null][]; flushed: Record<number, number> }[] = [];

  constructor(padding: number) {
    this.#padding = "x".repeat(padding);
  }

  /** The value by which the write is known. */
  valueOf(write: Write): unknown {
    return this.#padding === "" ? write.id : [write.id, this.#padding];
  }

  #writeOf(value: unknown): number {
    return Array.isArray(value) ? (value[0] as number) : (value as number);
  }

  /** Whether these are the changes of that write. */
  isOf(write: Write, changes: readonly OwnChange[], decode: (bytes: Uint8Array) => unknown): boolean {
    if (changes.length === 0) return false;
    if (isMerging(changes[0].key)) return this.elements.isOf(write, changes[0]);
    const { value } = changes[0];
    return value === null ? write.deletion : !write.deletion && this.#writeOf(decode(value)) === write.id;
  }

  /** Notes what the mesh has kept at the end. */
  kept(view: View): void {
    for (const { replica, final } of view.departed) this.history.finals.set(replica, final);
  }

  mayDelete(key: string): boolean {
    return !this.#unknownDeletions.has(key) && !this.#openDeletions.has(key);
  }

  open(session: string, node: string, keys: readonly string[], atMs: number, details: WriteDetails = {}): Write {
    if (details.deletion === true) for (const key of keys) this.#openDeletions.add(key);
    return this.history.openWrite(session, node, keys, atMs, details);
  }

  /** The node named the write. */
  stamped(write: Write, { timestamp, replica, counter }: Stamp): void {
    const stamp = { timestamp, replica, counter };
    write.stamp = stamp;
    this.#byDot.set(`${stamp.replica}:${stamp.counter}`, write.id);
  }

  close(write: Write, outcome: Outcome, atMs: number): void {
    this.history.closeWrite(write, outcome, atMs, write.stamp);
    if (!write.deletion) return;
    for (const key of write.keys) {
      this.#openDeletions.delete(key);
      if (outcome !== "done") this.#unknownDeletions.set(key, write.id);
    }
  }

  /** A value, or undefined for none, as a plain read returns it. */
  observe(key: string, value: unknown): Observation {
    return { key, write: value === undefined ? undefined : this.#writeOf(value), absent: value === undefined };
  }

  observeEntry(key: string, entry: Entry<unknown>): Observation {
    const observation: OpenObservation = { key, write: entry.hit ? this.#writeOf(entry.value) : undefined, absent: !entry.hit };
    if (!entry.hit && entry.version !== undefined) this.#unnamed.push([observation, entry.version]);
    return observation;
  }

  /** Keeps a state of the store. */
  stored(content: StoreContent, atMs: number): void {
    // Keys that stand for commits are the mesh's own.
    const written = [...content.rows.values()].filter(({ key }) => !key.startsWith(COMMIT_IN_STORE));
    const rows = written.map((row): [string, Stamp, Uint8Array | null] => [
      row.key,
      { timestamp: row.timestamp, replica: row.replica, counter: row.counter },
      row.value,
    ]);
    this.#storeStates.push({ atMs, rows, flushed: Object.fromEntries(content.flushed) });
  }

  /** Notes the vector under which a node received some writes of one origin. */
  received(replica: number, first: number, last: number, vector: Readonly<Record<number, number>>): void {
    for (let counter = first; counter <= last; counter++) this.#vectors.set(`${replica}:${counter}`, { ...vector, [replica]: counter });
  }

  /** Notes the commits that a node received, of transactions whose token was not given out. */
  committed(segment: Segment): void {
    walkSegment(segment, segment.cursor, segment.last, {
      change: (bytes, keyAt, keyLength, _valueAt, _valueLength, _flags, timestamp, counter) => {
        if (!staysInRing(bytes, keyAt, keyLength)) return;
        const { commitsInRing } = this.history;
        const key = decodeUtf8(bytes, keyAt + 2, keyAt + keyLength);
        commitsInRing.set(key, [...(commitsInRing.get(key) ?? []), { timestamp, replica: segment.replica, counter }]);
      },
    });
  }

  /** Completes what could not be named when it was met. */
  finish(decode: (bytes: Uint8Array) => unknown): History {
    for (const [observation, dot] of this.#unnamed) observation.write = this.#named(observation.key, dot);
    for (const { atMs, rows, flushed } of this.#storeStates) {
      const stored = rows.flatMap(([key, stamp, value]) =>
        isMerging(key) ? this.#storedElements(key, stamp, value!) : [this.#storedWrite(key, stamp, value, decode)],
      );
      this.history.storeStates.push({ atMs, rows: stored, flushed });
    }
    this.history.loseWrites();
    for (const write of this.history.writes) {
      if (write.stamp !== undefined) write.follows = this.#vectors.get(`${write.stamp.replica}:${write.stamp.counter}`);
    }
    return this.history;
  }

  #storedElements(key: string, of: Stamp, value: Uint8Array): StoredWrite[] {
    return this.elements.inShare(key, value).map(({ id, keys, stamp = of }) => {
      // One that was lost is there as it was made again.
      return { key: keys[0], write: id, stamp: stamp.counter > this.history.finalOf(stamp.replica) ? of : stamp };
    });
  }

  #storedWrite(key: string, stamp: Stamp, value: Uint8Array | null, decode: (bytes: Uint8Array) => unknown): StoredWrite {
    const write = value === null ? this.#named(key, `${stamp.replica}:${stamp.counter}`) : this.#writeOf(decode(value));
    if (write === undefined) throw new Error(`nobody made the write ${stamp.replica}:${stamp.counter} that the store has at ${key}`);
    this.history.writes[write].stamp ??= stamp;
    return { key, write, stamp };
  }

  #named(key: string, dot: string): number | undefined {
    return this.#byDot.get(dot) ?? this.#unknownDeletions.get(key);
  }
}
