// What a driven mesh holds, in plain numbers, so that it can be compared with a model: of nodes the vectors, what is shown and what the log keeps, of
// sessions what they have seen and written, and the store. Vectors are by node, dots are `node:counter`, both from node 0.

import { jsonCodec } from "../client/codec.js";
import type { OwnChange } from "../client/context.js";
import type { OpenTransaction } from "../client/open-transaction.js";
import { ABSENT, INCOMPLETE, TOMBSTONE } from "../cache/cache.js";
import { decodeUtf8, encodeUtf8 } from "../bytes/utf8.js";
import { invariant } from "../invariant.js";
import { OWN_KEY_MARK } from "../protocol/own-keys.js";
import { CHANGE_DELETES, walkSegment, type Segment } from "../protocol/segment.js";
import { counterOf, type Vector } from "../protocol/vector.js";
import type { Node } from "../protocol/node.js";
import type { DrivenMesh } from "./driven-mesh.js";
import type { DrivenSession } from "./driven-sessions.js";
import { keyOf, type DrivenValues, type DrivenWrite, type SentWrite } from "./driven-steps.js";

/** The winner of a key. */
export interface DrivenVersion {
  readonly dot: string;
  readonly time: number;
  readonly value: number;
}

export interface DrivenNodeState {
  readonly received: readonly number[];
  readonly common: readonly number[];
  readonly applied: readonly number[];
  readonly flushed: readonly number[];
  /** What the next write here follows, whichever session asks for it: issued, joined with applied. */
  readonly follows: readonly number[];
  /** The latest timestamp. */
  readonly clock: number;
  /** By key. */
  readonly shows: Readonly<Record<number, DrivenVersion>>;
  /** Counters from which on the log has every write of each node; one more than received where it has none. */
  readonly kept: readonly number[];
}

export interface DrivenSessionState {
  readonly visible: readonly number[];
  /** Visible and written, joined: what the session's next write follows. */
  readonly follows: readonly number[];
  /** By dot, the own writes that are not within visible. */
  readonly own: Readonly<Record<string, DrivenWrite>>;
  readonly time: number;
  readonly transaction: DrivenTransactionState | undefined;
}

export interface DrivenTransactionState {
  readonly snapshot: readonly number[];
  /** Dots of the own writes that the snapshot is read with, and does not have. */
  readonly own: readonly string[];
  /** Which write was read of each key, `none` for no write. */
  readonly seen: Readonly<Record<number, string>>;
}

export interface DrivenState {
  readonly nodes: readonly DrivenNodeState[];
  readonly sessions: readonly DrivenSessionState[];
  readonly store: { readonly flushed: readonly number[]; readonly rows: Readonly<Record<number, DrivenVersion>> };
}

export function stateOf(mesh: DrivenMesh): DrivenState {
  return {
    nodes: mesh.hosts.map(({ node }) => nodeState(mesh, node)),
    sessions: mesh.sessions.all.map((session) => sessionState(mesh, session)),
    store: { flushed: counters(mesh, (replica) => mesh.content.flushed.get(replica) ?? 0), rows: rowsOf(mesh) },
  };
}

function nodeState(mesh: DrivenMesh, node: Node): DrivenNodeState {
  const { received, common, applied, flushed, issued } = node;
  // The members stand in the order of their replica ids, so a slot is a node.
  return {
    received: received.slice(),
    common: common.slice(),
    applied: applied.slice(),
    flushed: flushed.slice(),
    follows: joined(issued, applied),
    clock: node.clock.latest,
    shows: byKey(mesh, (key) => shown(node, key)),
    kept: keptBy(node),
  };
}

function shown({ cache }: Node, key: number): DrivenVersion | undefined {
  const bytes = encodeUtf8(keyOf(key));
  const at = cache.find(bytes, 0, bytes.length);
  const flags = at === 0 ? INCOMPLETE : cache.flags(at);
  invariant((flags & INCOMPLETE) === 0, "driven mesh", () => `${keyOf(key)} is not in the cache`);
  if ((flags & ABSENT) !== 0) return undefined;
  const value = (flags & TOMBSTONE) !== 0 ? 0 : (jsonCodec.decode(cache.value(at)) as number);
  return { dot: dotOf(cache.replica(at), cache.counter(at)), time: cache.timestamp(at), value };
}

function keptBy({ log, received }: Node): number[] {
  const kept = received.map((counter) => counter + 1);
  const ends = received.slice();
  // From the newest on, so that a gap shows.
  for (const { origin, first, last } of [...log.segments()].reverse()) {
    if (last !== ends[origin]) continue;
    ends[origin] = first - 1;
    kept[origin] = first;
  }
  return kept;
}

function sessionState(mesh: DrivenMesh, { session, open }: DrivenSession): DrivenSessionState {
  const { visible, written, own, time } = session.context();
  const seen = vectorOf(mesh, visible);
  const beyond = own.filter(({ replica, counter }) => counter > counterOf(visible, replica));
  return {
    visible: seen,
    follows: joined(seen, vectorOf(mesh, written)),
    own: Object.fromEntries(beyond.map((write) => [dotOf(write.replica, write.counter), { time: write.timestamp, changes: changesOf(write.changes) }])),
    time,
    transaction: open === undefined ? undefined : transactionState(mesh, open),
  };
}

function transactionState(mesh: DrivenMesh, { snapshot, own, seen }: OpenTransaction): DrivenTransactionState {
  const beyond = own.filter(({ replica, counter }) => !snapshot!.includes(replica, counter));
  return {
    snapshot: vectorOf(mesh, snapshot!.vector),
    own: beyond.map(({ replica, counter }) => dotOf(replica, counter)).sort(),
    seen: Object.fromEntries([...seen].map(([key, { replica, counter }]) => [numberOf(key), replica === 0 ? "none" : dotOf(replica, counter)])),
  };
}

/** Whatever stands for a commit is left out. */
function changesOf(changes: readonly OwnChange[]): DrivenValues {
  const users = changes.filter(({ key }) => key.charCodeAt(0) !== OWN_KEY_MARK);
  return Object.fromEntries(users.map(({ key, value }) => [numberOf(key), value === null ? 0 : (jsonCodec.decode(value) as number)]));
}

function rowsOf(mesh: DrivenMesh): Record<number, DrivenVersion> {
  return byKey(mesh, (key) => {
    const row = mesh.content.rows.get(keyOf(key));
    if (row === undefined) return undefined;
    return { dot: dotOf(row.replica, row.counter), time: row.timestamp, value: row.value === null ? 0 : (jsonCodec.decode(row.value) as number) };
  });
}

/** The writes of a segment that has just come in. */
export function writesIn(segment: Segment): SentWrite[] {
  const writes = new Map<number, { time: number; changes: Record<number, number> }>();
  walkSegment(segment, segment.cursor, segment.last, {
    change: (bytes, keyAt, keyLength, valueAt, valueLength, flags, time, counter) => {
      const write = writes.get(counter) ?? { time, changes: {} };
      writes.set(counter, write);
      if (bytes[keyAt] === OWN_KEY_MARK) return;
      const value = (flags & CHANGE_DELETES) !== 0 ? 0 : (jsonCodec.decode(bytes.slice(valueAt, valueAt + valueLength)) as number);
      write.changes[numberOf(decodeUtf8(bytes, keyAt, keyAt + keyLength))] = value;
    },
  });
  return [...writes].map(([counter, { time, changes }]) => ({
    dot: `${segment.origin}:${counter}`,
    vector: segment.vector.map((entry, slot) => (slot === segment.origin ? counter : entry)),
    time,
    changes,
  }));
}

function byKey<Item>({ size }: DrivenMesh, of: (key: number) => Item | undefined): Record<number, Item> {
  const items: Record<number, Item> = {};
  for (let key = 0; key < size.keys; key++) {
    const item = of(key);
    if (item !== undefined) items[key] = item;
  }
  return items;
}

function counters({ size }: DrivenMesh, of: (replica: number) => number): number[] {
  return Array.from({ length: size.nodes }, (_, node) => of(node + 1));
}

function vectorOf(mesh: DrivenMesh, vector: Vector): number[] {
  return counters(mesh, (replica) => counterOf(vector, replica));
}

function joined(a: readonly number[], b: readonly number[]): number[] {
  return a.map((counter, node) => Math.max(counter, b[node]));
}

function dotOf(replica: number, counter: number): string {
  return `${replica - 1}:${counter}`;
}

function numberOf(key: string): number {
  return Number(key.slice(1));
}
