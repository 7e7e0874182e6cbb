// One round of the conformance run: random traces from one seed, until the model and the code part; then the shortest trace that shows it.

import * as fc from "fast-check";
import { Divergence, play } from "./lockstep.mjs";
import { traces } from "./traces.mjs";

/** Traces of a round: somewhat under 2 000 steps. */
const TRACES = 50;

/**
 * Resolves with what was played until the end, or until the two parted; then `divergence` has the lines that say how. `mutation` is one of the code's
 * (MUTATIONS); `modules` may be those of a model that was changed. With `shrinks` false the trace stays as it was found, which is faster.
 */
export async function playRound(modules, seed, { mutation, numRuns = TRACES, shrinks = true } = {}) {
  const records = [];
  const counts = { traces: 0, steps: 0, modelSteps: 0, deeds: {} };
  let hasParted = false;
  const property = fc.asyncProperty(traces, async (trace) => {
    records.length = 0;
    try {
      await play(modules, trace, { mutation, watch: (record) => records.push(record) });
    } catch (error) {
      if (!hasParted) count(counts, records);
      hasParted = true;
      throw error;
    }
    // What comes after the first failure only makes it shorter.
    if (!hasParted) count(counts, records);
  });
  const { failed, counterexample } = await fc.check(property, { seed, numRuns, endOnFailure: !shrinks });
  return { seed, ...counts, divergence: failed ? await told(modules, counterexample[0], mutation) : undefined };
}

/** A step that does nothing in its state does not count. */
function count(counts, records) {
  counts.traces += 1;
  counts.steps += records.filter(({ deeds }) => deeds.length > 0).length;
  for (const { modelSteps, deeds } of records) {
    counts.modelSteps += modelSteps.length;
    for (const { did, isExtended } of deeds) {
      const name = isExtended ? "extend" : did;
      counts.deeds[name] = (counts.deeds[name] ?? 0) + 1;
    }
  }
}

/** A trace, step by step, up to where the two part. */
async function told(modules, trace, mutation) {
  const records = [];
  const parted = await play(modules, trace, { mutation, watch: (record) => records.push(record) }).catch((error) => error);
  if (!(parted instanceof Divergence)) throw parted ?? new Error("the trace was played again, and the two did not part");
  const { nodes, sessions, keys } = trace.size;
  const lines = [`${nodes} nodes, ${sessions} sessions, ${keys} keys`];
  records.forEach(({ step: { step, ...rest }, deeds }, at) => {
    lines.push(`${String(at + 1).padStart(3)}  ${step} ${listed(rest)}`);
    for (const { did, ...parts } of deeds) lines.push(`       ${did} ${listed(parts)}`);
  });
  lines.push("     in the model:");
  for (const { step, ...rest } of records.at(-1).modelSteps) lines.push(`       ${step} ${listed(rest)}`);
  lines.push("     and then:", ...parted.lines.map((line) => `       ${line}`));
  for (const { what, code, model } of parted.states)
    lines.push(`     ${what}`, `       in the code   ${listed(code)}`, `       in the model  ${listed(model)}`);
  return { length: records.length, differences: parted.lines, lines };
}

function listed(parts) {
  return Object.entries(parts)
    .map(([name, value]) => `${name} ${JSON.stringify(value)}`)
    .join(", ");
}
