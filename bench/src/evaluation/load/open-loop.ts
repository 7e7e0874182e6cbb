// An open loop: workflows begin at intended times whether or not earlier ones have ended, and their latency counts from the intended time, so that
// a system that falls behind is not spared the wait that its users would have (no coordinated omission).

import { Ticker } from "./ticker.js";

/** Workflows begin on a grid of this many milliseconds, all of one slot together. */
export const SLOT_MS = 0.5;
/** Time for what has begun to end after the last beginning. */
const DRAIN_MS_MAX = 10_000;
const DRAIN_POLL_MS = 20;

export interface OpenLoopOptions {
  /** Workflows per second. */
  readonly rate: number;
  /** Workflows that begin in this time are not measured. */
  readonly warmUpMs: number;
  readonly durationMs: number;
  /** With more unfinished workflows than this no more begin: the rate is beyond what the system can do. */
  readonly inFlightMax: number;
}

export interface LoopResult {
  /** Milliseconds from the intended beginning to the end, of those that began after the warm-up. */
  readonly latenciesMs: readonly number[];
  /** How late workflows began. */
  readonly lateMs: readonly number[];
  /** From the first measured beginning to the last end. */
  readonly elapsedMs: number;
  readonly failed: number;
  readonly error: string | undefined;
  readonly isOverloaded: boolean;
  /** Workflows that had not ended when their time was up. */
  readonly unfinished: number;
}

/** `measuring` is called once, when the warm-up is over. */
export async function openLoop(
  { rate, warmUpMs, durationMs, inFlightMax }: OpenLoopOptions,
  run: (index: number) => Promise<void>,
  measuring: () => void,
): Promise<LoopResult> {
  const total = Math.round(((warmUpMs + durationMs) * rate) / 1000);
  const latenciesMs: number[] = [];
  const lateMs: number[] = [];
  const begin = performance.now() + SLOT_MS;
  let [started, ended, failed, isOverloaded, isMeasuring, lastEnd] = [0, 0, 0, false, false, begin];
  let error: string | undefined;
  const intendedAt = (index: number): number => begin + Math.ceil((index * 1000) / rate / SLOT_MS) * SLOT_MS;
  const runOne = async (index: number, intended: number): Promise<void> => {
    try {
      await run(index);
      lastEnd = performance.now();
      if (intended >= begin + warmUpMs) latenciesMs.push(lastEnd - intended);
    } catch (thrown) {
      failed += 1;
      error ??= thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
    }
    ended += 1;
  };
  const tick = (): void => {
    for (const now = performance.now(); started < total && !isOverloaded; started++) {
      const intended = intendedAt(started);
      if (intended > now) return;
      if (!isMeasuring && intended >= begin + warmUpMs) {
        isMeasuring = true;
        measuring();
      }
      if (isMeasuring) lateMs.push(now - intended);
      void runOne(started, intended);
      isOverloaded = started - ended > inFlightMax;
    }
  };
  const ticker = new Ticker(SLOT_MS, tick);
  const isOver = (): boolean => (started === total || isOverloaded) && ended === started;
  const deadline = begin + warmUpMs + durationMs + DRAIN_MS_MAX;
  while (!isOver() && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, DRAIN_POLL_MS));
  await ticker.stop();
  return { latenciesMs, lateMs, elapsedMs: lastEnd - begin - warmUpMs, failed, error, isOverloaded, unfinished: started - ended };
}
