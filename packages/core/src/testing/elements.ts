// Values that merge, in the terms of the history: whatever was added is a key of its own, which one write makes, so that a read of the value is a read of
// all of these keys at once. What is added to the counter is a power of two, each once: its sum says which additions are in it, and that none is
// there twice.

import type { OwnChange } from "../client/context.js";
import { readChange, readShare, type Share } from "../merging/change.js";
import { nameOf } from "../merging/keys.js";
import { marksOf, type SetShare } from "../merging/member-set.js";
import { countOf, type CounterShare } from "../merging/counter.js";
import { COUNTER } from "../protocol/own-keys.js";
import type { Observation, Write } from "./history.js";

export const COUNTER_KEY = "counted";
export const SET_KEY = "gathered";
/** A counter is exact up to 2^53. */
const ADDITIONS_MAX = 50;

type Kind = "counter" | "set";

export class Elements {
  readonly #additions: Write[] = [];
  readonly #members: Write[] = [];

  /** Of which value another write may be an element now. */
  kind(draw: number): Kind {
    return draw < 0.5 && this.#additions.length < ADDITIONS_MAX ? "counter" : "set";
  }

  /** The key of the element that the write with this number makes. */
  keyOf(kind: Kind, id: number): string {
    return `${kind} of ${id}`;
  }

  add(kind: Kind, write: Write): void {
    (kind === "counter" ? this.#additions : this.#members).push(write);
  }

  /** What the write adds to the counter. */
  amountOf(write: Write): number {
    return 2 ** this.#additions.indexOf(write);
  }

  memberOf({ id }: Write): string {
    return `m${id}`;
  }

  /** Whether a change of a session is that of the write. */
  isOf(write: Write, { key, value }: OwnChange): boolean {
    const change = readChange(nameOf(key), value!);
    return "by" in change ? change.by === this.amountOf(write) : change.add?.includes(this.memberOf(write)) === true;
  }

  /** Throws where the counter is no sum of different additions. */
  observeCount(count: number): Observation[] {
    if (count >= 2 ** this.#additions.length) throw new Error(`a counter shows ${count}, and no more than ${2 ** this.#additions.length - 1} was added`);
    return this.#additions.map((write, bit) => observation(write, Math.floor(count / 2 ** bit) % 2 === 1));
  }

  /** Throws where a member was never added. */
  observeMembers(members: readonly string[]): Observation[] {
    const there = new Set(members);
    const observed = this.#members.map((write) => observation(write, there.delete(this.memberOf(write))));
    if (there.size > 0) throw new Error(`a set shows ${[...there].join(", ")}, which nobody added`);
    return observed;
  }

  /** The elements that stand in a share, as the store has it. */
  inShare(key: string, value: Uint8Array): Write[] {
    const share: Share = readShare(value, 0, value.length);
    const isCounter = key.startsWith(COUNTER);
    const observed = isCounter ? this.observeCount(countOf([share as CounterShare], [])) : this.observeMembers([...marksOf([share as SetShare], []).keys()]);
    return (isCounter ? this.#additions : this.#members).filter((_, index) => !observed[index].absent);
  }
}

function observation({ id, keys }: Write, isThere: boolean): Observation {
  return { key: keys[0], write: isThere ? id : undefined, absent: !isThere };
}
