// One call of a session: what is asked, who waits for the answer, and what is needed to ask again at another node. There is one
// object per call, and one promise.

import type { ByteWriter } from "../bytes/writer.js";
import { encodeUtf8Into } from "../bytes/utf8.js";
import { varintLength } from "../bytes/writer.js";
import type { MeshError } from "../errors.js";
import { CHANGE_DELETES, CHANGE_EXPIRES } from "../protocol/segment.js";
import type { Snapshot } from "../protocol/snapshot.js";
import type { Vector } from "../protocol/vector.js";
import {
  AGAIN,
  beginFrame,
  COMMIT,
  DRAIN,
  endFrame,
  FRESH,
  GET,
  GET_MANY,
  MERGE,
  READ_AT,
  REMOVE,
  STATUS,
  VERSIONED,
  WITH_CONTEXT,
  WRITE,
} from "../wire/frames.js";
import { writeNumbers, writeSnapshot, writeVector } from "../wire/messages.js";
import type { SessionContext } from "./context.js";
import type { Link } from "./link.js";
import type { Peer } from "./peer.js";

/** An answer as it stands in the frame; the bytes are valid during the call only. */
export interface Answer {
  readonly link: Link;
  readonly bytes: Uint8Array;
  readonly type: number;
  readonly flags: number;
  readonly start: number;
  readonly end: number;
}

/** What the owner of a call is told. */
export interface Caller {
  /** The context to tell a node before it can answer; undefined where the link's node knows it already, and for calls that have none. */
  contextFor(link: Link): SessionContext | undefined;
  /** The call goes to another node. */
  moved(from: Peer, to: Peer): void;
  /** The call was not made, since own writes beyond these final counters were lost with their nodes: it can be made after them. */
  lostWrites(call: Call, finals: ReadonlyMap<number, number>): void;
}

/** A change as a session asks for it. */
export interface Change {
  /** Complete, with the namespace's prefix. */
  readonly key: string;
  readonly value: Uint8Array | null;
  /** 0 for no expiry. */
  readonly ttlMs: number;
  /** Milliseconds since 1970, 0 for never; known when the write has its timestamp. */
  expiresAt: number;
}

export abstract class Call {
  readonly caller: Caller;
  /** By the mesh's coarse clock, in milliseconds. */
  readonly deadline: number;
  /** Nodes that were tried and failed. */
  attempts = 0;
  /** Whether a node may have seen it. */
  sent = false;
  done = false;
  /** The context that travels with it; told to the link when the answer is there. */
  carried: SessionContext | undefined;
  /** The view of its link when it was sent. */
  view = 0;
  /** Lets go of the signal that the call was made with. */
  release: (() => void) | undefined;
  /** The request's id on its link. */
  id = 0;

  constructor(caller: Caller, deadline: number) {
    this.caller = caller;
    this.deadline = deadline;
  }

  /** It has its answer, or none will be looked at. */
  end(): void {
    this.done = true;
    this.release?.();
  }

  /** How often it goes to each node before it is given up. */
  readonly roundsMax: number = 3;
  /** Whether asking twice is asking once. */
  abstract readonly repeatable: boolean;
  abstract encode(out: ByteWriter, id: number, context: SessionContext | undefined): void;
  /** Throws MalformedError for an answer that does not fit, which ends the link. */
  abstract answered(answer: Answer): void;
  abstract failed(error: MeshError): void;
}

function contextFlag(context: SessionContext | undefined): number {
  return context === undefined ? 0 : WITH_CONTEXT;
}

/** What a read wants beyond the value. */
export interface ReadFlags {
  /** The version is needed: the session has own writes to compare it with, or somebody asked for it. */
  readonly versioned: boolean;
  /** The session has deleted something of it: what a loader returned before is out of date. */
  readonly fresh: boolean;
}

export const PLAIN_READ: ReadFlags = { versioned: false, fresh: false };
export const VERSIONED_READ: ReadFlags = { versioned: true, fresh: false };
export const FRESH_READ: ReadFlags = { versioned: true, fresh: true };

function readFlags({ versioned, fresh }: ReadFlags, context: SessionContext | undefined): number {
  return contextFlag(context) | (versioned ? VERSIONED : 0) | (fresh ? FRESH : 0);
}

function putContext(out: ByteWriter, context: SessionContext | undefined): void {
  if (context === undefined) return;
  writeVector(out, context.visible);
  writeVector(out, context.written);
  out.f64(context.time);
}

export function encodeGet(out: ByteWriter, id: number, context: SessionContext | undefined, flags: ReadFlags, key: string): void {
  out.reserve(key.length * 3 + 64);
  const at = beginFrame(out, GET, readFlags(flags, context), id);
  putContext(out, context);
  out.reserve(key.length * 3);
  out.length += encodeUtf8Into(key, out.bytes, out.length);
  endFrame(out, at);
}

export function encodeGetMany(out: ByteWriter, id: number, context: SessionContext | undefined, flags: ReadFlags, keys: readonly string[]): void {
  const at = beginFrame(out, GET_MANY, readFlags(flags, context), id);
  putContext(out, context);
  out.varint(keys.length);
  for (const key of keys) out.text(key);
  endFrame(out, at);
}

export function encodeReadAt(
  out: ByteWriter,
  id: number,
  context: SessionContext | undefined,
  snapshot: Snapshot,
  time: number,
  keys: readonly string[],
): void {
  const at = beginFrame(out, READ_AT, contextFlag(context), id);
  putContext(out, context);
  writeSnapshot(out, snapshot);
  out.f64(time);
  out.varint(keys.length);
  for (const key of keys) out.text(key);
  endFrame(out, at);
}

/** `timestamp` is that of a write which is made again, 0 for a new one. */
export function encodeWrite(
  out: ByteWriter,
  id: number,
  context: SessionContext | undefined,
  timestamp: number,
  durability: number,
  changes: readonly Change[],
): void {
  const at = beginFrame(out, WRITE, contextFlag(context) | (timestamp > 0 ? AGAIN : 0), id);
  putContext(out, context);
  if (timestamp > 0) out.f64(timestamp);
  putChanges(out, durability, changes);
  endFrame(out, at);
}

export function encodeCommit(
  out: ByteWriter,
  id: number,
  context: SessionContext | undefined,
  begun: Vector,
  tried: readonly number[],
  timestamp: number,
  durability: number,
  changes: readonly Change[],
): void {
  const at = beginFrame(out, COMMIT, contextFlag(context) | (timestamp > 0 ? AGAIN : 0), id);
  putContext(out, context);
  writeVector(out, begun);
  writeNumbers(out, tried);
  if (timestamp > 0) out.f64(timestamp);
  putChanges(out, durability, changes);
  endFrame(out, at);
}

function putChanges(out: ByteWriter, durability: number, changes: readonly Change[]): void {
  out.u8(durability);
  out.varint(changes.length);
  for (const { key, value, ttlMs } of changes) {
    out.u8((value === null ? CHANGE_DELETES : 0) | (ttlMs > 0 ? CHANGE_EXPIRES : 0));
    putSizedKey(out, key, value?.length ?? 0, ttlMs);
    if (value !== null) out.raw(value);
  }
}

/** Key length, value length, time to live, key. The key's length in bytes is known once it is encoded: nearly always what its characters say. */
function putSizedKey(out: ByteWriter, key: string, valueLength: number, ttlMs: number): void {
  out.reserve(key.length * 3 + 32);
  const at = out.length;
  const expected = at + varintLength(key.length) + varintLength(valueLength) + (ttlMs > 0 ? varintLength(ttlMs) : 0);
  const written = encodeUtf8Into(key, out.bytes, expected);
  const actual = at + varintLength(written) + varintLength(valueLength) + (ttlMs > 0 ? varintLength(ttlMs) : 0);
  if (actual !== expected) out.bytes.copyWithin(actual, expected, expected + written);
  out.varint(written);
  out.varint(valueLength);
  if (ttlMs > 0) out.varint(ttlMs);
  out.length = actual + written;
}

export function encodeMerge(out: ByteWriter, id: number, context: SessionContext | undefined, durability: number, name: string, change: Uint8Array): void {
  const at = beginFrame(out, MERGE, contextFlag(context), id);
  putContext(out, context);
  out.u8(durability);
  out.text(name);
  out.blob(change);
  endFrame(out, at);
}

export function encodeStatus(out: ByteWriter, id: number): void {
  endFrame(out, beginFrame(out, STATUS, 0, id));
}

export function encodeDrain(out: ByteWriter, id: number): void {
  endFrame(out, beginFrame(out, DRAIN, 0, id));
}

export function encodeRemove(out: ByteWriter, id: number, replica: number, force: boolean): void {
  const at = beginFrame(out, REMOVE, 0, id);
  out.u32(replica);
  out.u8(force ? 1 : 0);
  endFrame(out, at);
}

/** Whether another node may do better. */
export function isNodesFault(error: MeshError): boolean {
  return (
    error.code === "NODE_BEHIND" ||
    error.code === "NODE_UNREACHABLE" ||
    error.code === "PROTOCOL" ||
    error.code === "PROTOCOL_VERSION" ||
    error.code === "CLOSED" ||
    // A node may be silent, or have a certificate that is not good, and another one not.
    ((error.code === "TIMEOUT" || error.code === "UNAUTHENTICATED") && error.retryable)
  );
}
