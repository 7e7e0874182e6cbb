// The highest rate that a simulated deployment sustains. What its processors are busy with under a light load says where to begin; as they do more at a time when they have more
// to do, it goes up from there.

import { P99_MS_MAX } from "../experiments/experiment.js";
import type { LoadFigures } from "./load.js";

export interface Sustained {
  readonly steps: readonly LoadFigures[];
  /** What it was at the highest rate that was sustained. */
  readonly best: LoadFigures;
}

/** The first rate that is tried: so many times what the processors could do if more at a time were no cheaper. */
const CHEAPER = 8;
const FACTOR_MAX = 150;
const STEP_UP = 2;
/** Two rates closer together than this are one. */
const CLOSE = 1.1;
/** What is under way may grow by what comes in this share of the time, and no faster. */
const BEHIND_MAX = 0.1;
/** Where workflows take longer by distance alone, the paper's bound is one on what comes on top. */
const SLOWER_MAX = 1.5;

/** `base` is a light load, whose latency and visibility are those of the distances alone. */
export async function findSustained(base: LoadFigures, steps: number, run: (rate: number) => Promise<LoadFigures>): Promise<Sustained> {
  const found: LoadFigures[] = [];
  let [best, bad] = [base, Infinity];
  let guess = base.rate * Math.min(FACTOR_MAX, CHEAPER / busiest(base));
  while (found.length < steps && bad > best.rate * CLOSE) {
    const figures = await run(Math.round(guess));
    found.push(figures);
    if (isSustained(figures, base)) best = figures;
    else bad = figures.rate;
    guess = bad === Infinity ? best.rate * STEP_UP : Math.sqrt(best.rate * bad);
  }
  return { steps: found, best };
}

export function busiest({ utilisation: { flusher, most } }: LoadFigures): number {
  return Math.max(flusher, most);
}

function isSustained(figures: LoadFigures, base: LoadFigures): boolean {
  const { failed, unfinished, unseen, isOverloaded, workflowMs, everywhereMs, growth } = figures;
  if (isOverloaded || failed > 0 || unfinished > 0 || unseen > 0 || growth.workflows > BEHIND_MAX || growth.writes > BEHIND_MAX) return false;
  return workflowMs.p99 <= Math.max(P99_MS_MAX, base.workflowMs.p99 * SLOWER_MAX) && everywhereMs.p99 <= base.everywhereMs.p99 + P99_MS_MAX;
}
