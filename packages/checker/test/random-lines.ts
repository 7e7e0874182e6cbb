// Random small histories, legal and illegal, for the comparison with the reference.

import type { HistoryLine, OperationLine, Status } from "../src/format.js";

export type Random = () => number;

/** A generator of numbers from 0 to below 1, from a seed (mulberry32). */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export const int = (random: Random, max: number): number => Math.floor(random() * max);
export const pick = <Item>(random: Random, items: readonly Item[]): Item => items[int(random, items.length)];

/** A few transactions of a few sessions whose reads see anything, mostly something that was written. */
export function randomLines(random: Random, transactions: number): HistoryLine[] {
  const keys = ["x", "y", "z"].slice(0, 1 + int(random, 3));
  const sessions = Array.from({ length: 1 + int(random, 3) }, (_, index) => `s${index}`);
  const hasStamps = random() < 0.2;
  const plan = Array.from({ length: transactions }, () =>
    Array.from({ length: 1 + int(random, 3) }, () => ({ key: pick(random, keys), isWrite: random() < 0.5 })),
  );
  // Reads may see what is written later in the file.
  let value = 0;
  const values = plan.map((operations) => operations.map(({ isWrite }) => (isWrite ? ++value : 0)));
  const written = new Map(keys.map((key) => [key, [] as number[]]));
  plan.forEach((operations, at) => operations.forEach(({ key, isWrite }, index) => isWrite && written.get(key)!.push(values[at][index])));
  const lines: HistoryLine[] = [];
  plan.forEach((operations, at) => {
    if (at > 0 && random() < 0.15) {
      const name = `s${sessions.length}`;
      const known = sessions.filter((one) => lines.some((line) => "session" in line && line.session === one));
      if (known.length > 0) {
        lines.push({ session: name, from: [...new Set([pick(random, known), pick(random, known)])] });
        sessions.push(name);
      }
    }
    const own = new Map<string, number>();
    const ops = operations.map(({ key, isWrite }, index): OperationLine => {
      if (isWrite) {
        own.set(key, values[at][index]);
        return ["w", key, values[at][index]];
      }
      if (own.has(key) && random() < 0.95) return ["r", key, own.get(key)!];
      if (random() < 0.02) return ["r", key, 1000];
      return ["r", key, random() < 0.2 ? null : (pick(random, [...written.get(key)!, null]) ?? null)];
    });
    const status: Status = pick(random, [...Array<Status>(12).fill("committed"), "unknown", "aborted", "lost"]);
    lines.push({
      session: pick(random, sessions),
      ops,
      txn: at + 1,
      ...(status === "committed" ? {} : { status }),
      ...(hasStamps ? { stamp: [int(random, 100) * 10 + at, 1] } : {}),
    });
  });
  return lines;
}
