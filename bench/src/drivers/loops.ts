// The loop of the drivers that go through a library: `depth` branches, each of which awaits one operation after the other. This is
// the same program for each library; only the operation differs.

import { HOT_ENTRIES } from "../workload.js";
import type { Driver, Operation } from "./driver.js";

/** One awaited call for the key at an index. `loop` names the branch. */
export type Call = (index: number, loop: number) => Promise<unknown>;

/** Branches that fill the server at the beginning. */
const FILL_DEPTH = 256;

export class LoopDriver implements Driver {
  readonly #calls: Readonly<Record<Operation, Call>>;

  constructor(calls: Readonly<Record<Operation, Call>>) {
    this.#calls = calls;
  }

  async fill(entries: number): Promise<void> {
    let next = 0;
    const branch = async (_: unknown, loop: number): Promise<void> => {
      while (next < entries) await this.#calls.set(next++, loop);
    };
    await Promise.all(Array.from({ length: FILL_DEPTH }, branch));
  }

  async run(operation: Operation, depth: number, durationMs: number): Promise<number> {
    const call = this.#calls[operation];
    let isRunning = true;
    let done = 0;
    setTimeout(() => (isRunning = false), durationMs);
    const branch = async (_: unknown, loop: number): Promise<void> => {
      let index = Math.floor((HOT_ENTRIES / depth) * loop);
      while (isRunning) {
        await call(index, loop);
        done += 1;
        index = index + 1 === HOT_ENTRIES ? 0 : index + 1;
      }
    };
    await Promise.all(Array.from({ length: depth }, branch));
    return done;
  }
}

/** Each library shows once that it returns what was set. */
export function expectValue(actual: unknown, expected: string): void {
  if (actual !== expected) throw new Error(`a value came back as ${JSON.stringify(actual)} instead of ${JSON.stringify(expected)}`);
}
