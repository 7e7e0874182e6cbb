// The model of spec/, compiled by Dafny, and the code of packages/core side by side through random traces; after every step both have to be in the same
// state. Or the same with one rule changed on one side, which has to be found.
//
//   npm run conformance -- --steps 100000    as many steps, from --seed (default: drawn from the time, and printed)
//   npm run conformance -- --mutations       one rule changed at a time, first in the code and then in the model, and how it was found

import { parseArgs } from "node:util";
import { isMainThread, parentPort } from "node:worker_threads";
import { MUTATIONS } from "@causalmesh/core/testing";
import { playRound } from "./conformance-round.mjs";
import { compileModel, loadModel } from "./model.mjs";
import { MODEL_MUTATIONS } from "./model-mutations.mjs";
import { spread } from "./spread.mjs";

/** Rounds after which a mutation counts as not found. */
const MUTATION_ROUNDS_MAX = 10;
const USAGE = "usage: npm run conformance -- [--steps N] [--seed SEED] | --mutations   [--json]";
/** Rules of the code that the model does not have, or that no step of a trace comes to, or hardly ever. */
const OUTSIDE = new Map([
  ["fresh-is-complete", "misses"],
  ["row-as-it-is", "misses"],
  ["final-is-flushed", "views"],
  ["no-notice", "views"],
  ["settled-when-flushed", "views"],
  ["complete-at-once", "views"],
  ["no-clamp", "views"],
  ["nothing-is-lost", "views"],
  ["below-the-base", "retained versions"],
  ["no-losers", "retained versions"],
  ["shares-as-shown", "values that merge"],
  ["no-own-changes", "values that merge"],
  ["own-changes-twice", "values that merge"],
  ["commit-again", "repeated commits"],
  ["commit-anywhere", "repeated commits"],
]);

if (isMainThread) process.exitCode = await main();
else serve();

async function main() {
  const options = parse();
  if (options === undefined) return 2;
  return options.mutations ? await mutationTable(options) : await manySteps(options);
}

function parse() {
  try {
    const boolean = { type: "boolean", default: false };
    const { values } = parseArgs({
      options: { steps: { type: "string", default: "100000" }, seed: { type: "string" }, mutations: boolean, json: boolean, help: boolean },
    });
    if (values.help) throw new Error("");
    for (const name of ["steps", "seed"])
      if (values[name] !== undefined && !/^\d{1,9}$/.test(values[name])) throw new Error(`--${name} takes a whole number of up to nine digits`);
    return { ...values, steps: Number(values.steps), seed: Number(values.seed ?? Math.floor(Date.now() / 1000) % 1_000_000_000) };
  } catch (error) {
    console.error(error.message === "" ? USAGE : `${error.message}\n${USAGE}`);
    return undefined;
  }
}

/** Rounds from one seed after another, until there are enough steps or the two have parted. */
async function manySteps({ steps, seed, json }) {
  const begin = performance.now();
  const totals = { rounds: 0, traces: 0, steps: 0, modelSteps: 0, deeds: {} };
  const parted = [];
  const code = await compileModel();
  if (!json) console.log(`seeds from ${seed}`);
  const jobs = (function* () {
    for (let next = seed; totals.steps < steps && parted.length === 0; next++) yield { code, seed: next };
  })();
  await spread(import.meta.url, jobs, (round) => {
    totals.rounds += 1;
    for (const name of ["traces", "steps", "modelSteps"]) totals[name] += round[name];
    for (const [name, count] of Object.entries(round.deeds)) totals.deeds[name] = (totals.deeds[name] ?? 0) + count;
    if (round.divergence !== undefined) parted.push(round);
    if (!json && process.stdout.isTTY) process.stdout.write(`\r${totals.steps} of ${steps} steps `);
  });
  const seconds = Number(((performance.now() - begin) / 1000).toFixed(1));
  if (json) console.log(JSON.stringify({ seed, ...totals, seconds, parted }));
  else {
    for (const round of parted) {
      console.log(`\nseed ${round.seed}: the code and the model part`);
      for (const line of round.divergence.lines) console.log(line);
      console.log(`again: npm run conformance -- --seed ${round.seed} --steps 1`);
    }
    console.log(`\n${totals.steps} steps in ${totals.traces} traces, ${totals.modelSteps} of the model, in ${seconds} s`);
    const deeds = Object.entries(totals.deeds).sort(([, a], [, b]) => b - a);
    console.log(deeds.map(([name, count]) => `${name} ${count}`).join(", "));
    console.log(parted.length === 0 ? "no difference" : "the code and the model are different");
  }
  return parted.length === 0 ? 0 : 1;
}

async function mutationTable({ json }) {
  const jobs = [];
  const plain = await compileModel();
  for (const { name, rule } of MUTATIONS) jobs.push({ side: "code", name: rule, code: plain, mutation: name, outside: OUTSIDE.get(name) });
  for (const { name, change } of MODEL_MUTATIONS) jobs.push({ side: "model", name, code: await compileModel(change) });
  const rows = [];
  const played = jobs.filter(({ outside }) => outside === undefined);
  await spread(import.meta.url, played.map((job, at) => ({ ...job, at, isMutation: true })).values(), (row) => (rows[row.at] = row));
  const width = Math.max(...jobs.map(({ name }) => name.length));
  if (!json) console.log(`${"rule changed".padEnd(5 + width)}    steps  first difference`);
  let missing = 0;
  for (const { side, name, outside } of jobs) {
    const row = outside === undefined ? rows[played.findIndex((job) => job.name === name && job.side === side)] : undefined;
    const found = row?.divergence;
    if (outside === undefined && found === undefined) missing += 1;
    const said = outside === undefined ? (found === undefined ? "NOT FOUND" : found.differences[0]) : `not in the model: ${outside}`;
    if (json) console.log(JSON.stringify({ side, name, outside, steps: row?.steps, differences: found?.differences }));
    else console.log(`${side.padEnd(5)} ${name.padEnd(width)} ${String(row?.steps ?? "").padStart(6)}  ${said}`);
  }
  if (!json) console.log(missing === 0 ? "all found" : `${missing} not found`);
  return missing === 0 ? 0 : 1;
}

/** A worker: plays what it is given. The same model stays, since it becomes faster. */
function serve() {
  let loaded;
  parentPort.on("message", async ({ code, seed, mutation, isMutation, at }) => {
    if (loaded?.code !== code) loaded = { code, modules: loadModel(code) };
    const { modules } = loaded;
    const changed = MUTATIONS.find(({ name }) => name === mutation);
    parentPort.postMessage(isMutation ? { at, ...(await findMutation(modules, changed)) } : await playRound(modules, seed));
  });
}

async function findMutation(modules, mutation) {
  let steps = 0;
  for (let seed = 1; seed <= MUTATION_ROUNDS_MAX; seed++) {
    const round = await playRound(modules, seed, { mutation, shrinks: false });
    steps += round.steps;
    if (round.divergence !== undefined) return { steps, divergence: round.divergence };
  }
  return { steps, divergence: undefined };
}
