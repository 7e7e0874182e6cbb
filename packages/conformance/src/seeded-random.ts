// Random choices that can be repeated. A case that draws from here names its seed when it fails.

/** A deterministic source: the same seed gives the same numbers on every platform (mulberry32). */
export interface SeededRandom {
  readonly seed: number;
  /** A number in [0, 1). */
  next(): number;
  /** An integer from 0 to `bound` - 1. */
  below(bound: number): number;
  pick<T>(from: readonly T[]): T;
  /** The same items in another order. */
  shuffled<T>(items: readonly T[]): T[];
}

export function seededRandom(seed: number): SeededRandom {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (bound: number): number => Math.floor(next() * bound);
  const shuffled = <T>(items: readonly T[]): T[] => {
    const result = [...items];
    for (let index = result.length - 1; index > 0; index--) {
      const other = below(index + 1);
      [result[index], result[other]] = [result[other], result[index]];
    }
    return result;
  };
  return { seed, next, below, pick: (from) => from[below(from.length)], shuffled };
}

/** A seed of this run, for suites that were given none. */
export function freshSeed(): number {
  return Math.floor(Math.random() * 2 ** 32);
}

/** Runs `body` with a source of this seed; a failure says how to repeat it. */
export async function withSeed(seed: number, body: (random: SeededRandom) => Promise<void>): Promise<void> {
  try {
    await body(seededRandom(seed));
  } catch (error) {
    throw new Error(`with seed ${seed}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}
