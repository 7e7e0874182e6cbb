// Sets of texts, in which an addition wins over a removal that has not seen it. A member that is added is marked with the dot of the write that added
// it; to remove it is to name the dots that have been seen. So a removal takes away what its session saw, and nothing that was added beside it.
//
// A removal is forgotten when no share has its mark any more, and a mark where its removal was seen: both are about writes that everybody who sees
// the share sees as well, so a set takes the room of what is in it.

import type { Dot } from "./dot.js";

/** Members by the write that added them. */
export type Marked = Readonly<Record<Dot, readonly string[]>>;

export interface SetChange {
  readonly add?: readonly string[];
  readonly remove?: Marked;
  /** The dot that it had at first, of one that is made again: members that it adds have that as their mark, whoever makes it again. */
  readonly of?: Dot;
}

/** What stands under the key of a share. */
export interface SetShare {
  readonly added: Marked;
  readonly removed: Marked;
  /** The change that made it of the one before. */
  readonly last: SetChange;
}

/** Marks as pairs. */
class Marks {
  readonly #marks = new Map<string, Set<Dot>>();

  static of(...all: readonly Marked[]): Marks {
    const marks = new Marks();
    for (const marked of all) for (const [dot, members] of Object.entries(marked)) for (const member of members) marks.add(member, dot);
    return marks;
  }

  add(member: string, dot: Dot): void {
    const dots = this.#marks.get(member);
    if (dots === undefined) this.#marks.set(member, new Set([dot]));
    else dots.add(dot);
  }

  has(member: string, dot: Dot): boolean {
    return this.#marks.get(member)?.has(dot) === true;
  }

  members(): IterableIterator<string> {
    return this.#marks.keys();
  }

  dots(member: string): ReadonlySet<Dot> {
    return this.#marks.get(member) ?? NONE;
  }
}

const NONE: ReadonlySet<Dot> = new Set();

function filtered(marked: Marked, isKept: (member: string, dot: Dot) => boolean): Record<Dot, readonly string[]> {
  const kept: Record<Dot, readonly string[]> = {};
  for (const [dot, members] of Object.entries(marked)) {
    const left = members.filter((member) => isKept(member, dot));
    if (left.length > 0) kept[dot] = left;
  }
  return kept;
}

/**
 * The share after one more change, by the write `dot`. `others` are the shares of the other nodes as this one shows them, undefined where it does not
 * know all of them, and `shows` says whether this node shows a write.
 */
export function changed(
  share: SetShare | undefined,
  last: SetChange,
  dot: Dot,
  others: readonly SetShare[] | undefined,
  shows: (dot: Dot) => boolean,
): SetShare {
  const { added = {}, removed = {} } = share ?? {};
  const { add = [], remove = {} } = last;
  const gone = Marks.of(remove, ...(others ?? []).map((other) => other.removed));
  const again = new Set(add);
  // A member has one mark in a share, the latest: whoever saw an earlier one sees it as well.
  const kept = filtered(added, (member, mark) => !again.has(member) && !gone.has(member, mark));
  const mine = add.length === 0 ? kept : { ...kept, [last.of ?? dot]: [...again] };
  const present = others === undefined ? undefined : Marks.of(...others.map((other) => other.added));
  // Also of marks of this share: what two forks have made again is in two shares.
  const waiting = Marks.of(removed, remove);
  const stays: Record<Dot, string[]> = {};
  for (const member of waiting.members()) {
    for (const mark of waiting.dots(member)) if (present === undefined || present.has(member, mark) || !shows(mark)) (stays[mark] ??= []).push(member);
  }
  return { added: mine, removed: stays, last };
}

/** The marks of each member of the set that these shares make, together with changes that they do not have yet, by their dots. */
export function marksOf(shares: readonly SetShare[], changes: readonly (readonly [dot: Dot, change: SetChange])[]): Map<string, Dot[]> {
  const added = Marks.of(...shares.map((share) => share.added));
  for (const [dot, { add = [], of = dot }] of changes) for (const member of add) added.add(member, of);
  const removed = Marks.of(...shares.map((share) => share.removed), ...changes.map(([, { remove = {} }]) => remove));
  const marks = new Map<string, Dot[]>();
  for (const member of added.members()) {
    const left = [...added.dots(member)].filter((dot) => !removed.has(member, dot));
    if (left.length > 0) marks.set(member, left);
  }
  return marks;
}

/** The change that takes away the members as they were seen. */
export function removalOf(members: readonly string[], marks: ReadonlyMap<string, readonly Dot[]>): Marked {
  const removed: Record<Dot, string[]> = {};
  for (const member of new Set(members)) for (const dot of marks.get(member) ?? []) (removed[dot] ??= []).push(member);
  return removed;
}
