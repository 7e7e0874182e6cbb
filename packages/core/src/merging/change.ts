// A change of a value that merges, and a share of one, whatever kind it is: how they stand in messages and in values, as JSON.

import { MalformedError } from "../bytes/reader.js";
import { decodeUtf8, encodeUtf8 } from "../bytes/utf8.js";
import { isWellFormed } from "../bytes/utf8.js";
import { MeshError } from "../errors.js";
import { MEMBER_LENGTH_MAX } from "../limits.js";
import { COUNTER } from "../protocol/own-keys.js";
import type { Addition, CounterShare } from "./counter.js";
import type { Marked, SetChange, SetShare } from "./member-set.js";

export type Change = Addition | SetChange;
export type Share = CounterShare | SetShare;

export function encodeChange(change: Change): Uint8Array {
  return encodeUtf8(JSON.stringify(change));
}

/** The change of the value with this name. Throws MalformedError. */
export function readChange(name: string, bytes: Uint8Array): Change {
  const change = parse(bytes);
  const isSound = name.startsWith(COUNTER) ? isAddition(change) : isSetChange(change);
  if (!isSound) throw new MalformedError("a change that is none of this kind of value");
  return change as Change;
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(decodeUtf8(bytes));
  } catch {
    throw new MalformedError("a change that is no JSON");
  }
}

export function encodeShare(share: Share): Uint8Array {
  return encodeUtf8(JSON.stringify(share));
}

/** The share that stands here as a value. Throws STORE_INVALID: only nodes write shares. */
export function readShare(bytes: Uint8Array, start: number, end: number): Share {
  try {
    const share = JSON.parse(decodeUtf8(bytes, start, end)) as Share;
    if ("sum" in share ? Number.isSafeInteger(share.sum) : isMarked(share.added) && isMarked(share.removed)) return share;
  } catch {
    // Reported below, together with what parses and is no share.
  }
  throw new MeshError("STORE_INVALID", "a share of a counter or a set is damaged; restore the store from a copy");
}

/** Whether this can be in a set: a text of some length, and not half of a character. */
export function isMember(member: unknown): member is string {
  return typeof member === "string" && member.length > 0 && member.length <= MEMBER_LENGTH_MAX && isWellFormed(member);
}

function isAddition(change: unknown): change is Addition {
  const { by, of } = (change ?? {}) as Partial<Addition>;
  return Number.isSafeInteger(by) && isDotOrNone(of);
}

function isSetChange(change: unknown): change is SetChange {
  const { add = [], remove = {}, of } = (change ?? {}) as SetChange;
  return isMembers(add) && isMarked(remove) && isDotOrNone(of);
}

function isMarked(marked: unknown): marked is Marked {
  return typeof marked === "object" && marked !== null && Object.entries(marked).every(([dot, members]) => isDotOrNone(dot) && isMembers(members));
}

function isMembers(members: unknown): boolean {
  return Array.isArray(members) && members.every(isMember);
}

function isDotOrNone(dot: unknown): boolean {
  return dot === undefined || (typeof dot === "string" && /^\d{1,10}:\d{1,16}$/.test(dot));
}
