// Every interleaving of a small mesh: depth first, each way played from the beginning, since a world of running programs cannot be copied. A world
// that was met before is not gone on from.

import type { Violation } from "./checkers/violation.js";
import { ExploredWorld, type ExploredMesh } from "./explored-world.js";
import type { Mutation } from "./mutation.js";
import type { Settle } from "./simulation.js";

export interface ExploreOptions {
  readonly mutation?: Mutation;
  /** Gives up beyond it: the mesh is not small. */
  readonly statesMax?: number;
  /** Goes on after a violation. By default the first one ends it. */
  readonly all?: boolean;
  readonly progress?: (states: number, left: number) => void;
}

export interface Exploration {
  /** Worlds that were told apart. */
  readonly states: number;
  /** Events from one to another. */
  readonly transitions: number;
  /** Worlds in which nothing could happen any more. */
  readonly ends: number;
  /** The longest way to one. */
  readonly depth: number;
  /** Whether that are all of them. Not where the bound was reached, or where events had no name: then worlds that differ may have looked the same. */
  readonly isComplete: boolean;
  readonly violations: readonly FoundViolation[];
}

export interface FoundViolation extends Violation {
  /** What happened, one event after the other. */
  readonly way: readonly string[];
}

const STATES_MAX = 1_000_000;
const PROGRESS_STATES = 500;

export async function explore(
  mesh: ExploredMesh,
  settle: Settle,
  { mutation, statesMax = STATES_MAX, all = false, progress }: ExploreOptions = {},
): Promise<Exploration> {
  const seen = new Set<string>();
  const ahead: number[][] = [[]];
  const violations: FoundViolation[] = [];
  let [transitions, ends, depth] = [0, 0, 0];
  let isToldApart = true;
  while (ahead.length > 0 && seen.size < statesMax && (all || violations.length === 0)) {
    const choices = ahead.pop()!;
    const world = new ExploredWorld(mesh, mutation, settle);
    const { simulation } = world;
    const way: string[] = [];
    const happen = async (choice: number): Promise<unknown> => way.push(await simulation.happen(choice));
    await world.start();
    // How a world begins is the same each time.
    simulation.hasNameless = false;
    for (const choice of choices) await happen(choice);
    for (;;) {
      if (way.length > 0) transitions += 1;
      const isEnd = simulation.enabled === 0;
      const state = digest(world.state());
      const isNew = !seen.has(state);
      seen.add(state);
      if (isEnd) ends += isNew ? 1 : 0;
      if (isEnd || !isNew || world.recorder.history.failures.length > 0) {
        violations.push(...world.violations(isEnd).map((violation) => ({ ...violation, way })));
        break;
      }
      if (seen.size % PROGRESS_STATES === 0) progress?.(seen.size, ahead.length);
      for (let other = simulation.enabled - 1; other > 0; other--) ahead.push([...choices, other]);
      choices.push(0);
      await happen(0);
    }
    depth = Math.max(depth, way.length);
    if (simulation.hasNameless) isToldApart = false;
  }
  return { states: seen.size, transitions, ends, depth, isComplete: ahead.length === 0 && isToldApart, violations };
}

/** States are long, and many. Two multiplicative hashes of 53 bits, with different factors: two states in a million are taken for one with a chance of 10^-19. */
function digest(state: string): string {
  let [a, b] = [0xdeadbeef, 0x41c6ce57];
  let [c, d] = [0x9e3779b9, 0x85ebca6b];
  for (let at = 0; at < state.length; at++) {
    const code = state.charCodeAt(at);
    a = Math.imul(a ^ code, 2_654_435_761);
    b = Math.imul(b ^ code, 1_597_334_677);
    c = Math.imul(c ^ code, 2_246_822_519);
    d = Math.imul(d ^ code, 3_266_489_917);
  }
  return [a, b, c, d].map((part) => (part >>> 0).toString(36)).join(".");
}
