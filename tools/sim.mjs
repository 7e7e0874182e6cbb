// Runs the simulator over many seeds on all processors, or one seed with its trace, or the table of mutations.
//
//   npm run sim -- --seeds 1000            as many seeds, from --from (default: drawn from the time, and printed)
//   npm run sim -- --seed 42 --trace       one of them again, with everything that happened
//   npm run sim -- --seed 42 --history FILE  its history, for causalmesh history check (docs/history.md)
//   npm run sim -- --mutations             each rule of the protocol taken away in turn, and what found it
//
// Each run is judged by the simulator's own checkers and, from its history alone, by @causalmesh/checker.

import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { isMainThread, parentPort } from "node:worker_threads";
import { historyText, violationsIn } from "@causalmesh/checker/testing";
import { historyLines, MUTATIONS, runSeed } from "@causalmesh/core/testing";
import { spread } from "./spread.mjs";

const settle = () => new Promise((resolve) => process.nextTick(resolve));
/** Seeds that one message to a worker covers. */
const SLICE = 50;
/** Seeds after which a mutation counts as not found. */
const MUTATION_SEEDS_MAX = 5_000;
const COUNTS = ["operations", "writes", "events", "breaks", "evictions", "transactions"];
const USAGE = "usage: npm run sim -- [--seeds N] [--from SEED] | --seed SEED [--trace] [--history FILE] [--mutation NAME] | --mutations   [--json]";

if (isMainThread) process.exitCode = await main();
else serve();

async function main() {
  const options = parse();
  if (options === undefined) return 2;
  if (options.mutations) return await mutationTable(options.json);
  if (options.seed !== undefined) return await oneSeed(options);
  return await manySeeds(options);
}

function parse() {
  try {
    const { values } = parseArgs({
      options: {
        seeds: { type: "string", default: "1000" },
        from: { type: "string" },
        seed: { type: "string" },
        trace: { type: "boolean", default: false },
        history: { type: "string" },
        mutation: { type: "string" },
        mutations: { type: "boolean", default: false },
        json: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    });
    if (values.help) throw new Error("");
    const number = (name) => {
      if (values[name] === undefined) return undefined;
      if (!/^\d{1,15}$/.test(values[name])) throw new Error(`--${name} takes a whole number`);
      return Number(values[name]);
    };
    if (values.mutation !== undefined && !MUTATIONS.some(({ name }) => name === values.mutation))
      throw new Error(`--mutation takes one of ${MUTATIONS.map(({ name }) => name).join(", ")}`);
    return { ...values, seeds: number("seeds"), from: number("from") ?? Math.floor(Date.now() / 1000) * 10_000, seed: number("seed") };
  } catch (error) {
    console.error(error.message === "" ? USAGE : `${error.message}\n${USAGE}`);
    return undefined;
  }
}

/** Runs a seed; what it finds is also what the checker finds that shares nothing with the mesh. */
async function judgedSeed(seed, options) {
  const { history, ...result } = await runSeed(seed, { settle, ...options });
  const lines = historyLines(history);
  return { ...result, lines, violations: [...result.violations, ...violationsIn(lines)] };
}

async function oneSeed({ seed, trace, mutation, history, json }) {
  const { lines, ...result } = await judgedSeed(seed, { traced: trace, mutation: MUTATIONS.find(({ name }) => name === mutation) });
  if (history !== undefined) writeFileSync(history, historyText(lines));
  if (json) console.log(JSON.stringify(result));
  else {
    for (const line of result.trace) console.log(line);
    console.log(`seed ${seed}`, result.options);
    console.log(
      `${result.operations} operations, ${result.writes} writes, ${result.events} events, ${result.breaks} broken connections, ${result.evictions} evictions, ${result.transactions} transactions, given up: ${JSON.stringify(result.aborts)}`,
    );
    report(result);
  }
  return result.violations.length === 0 ? 0 : 1;
}

function report({ seed, options, violations }) {
  if (violations.length === 0) return;
  console.log(`\nseed ${seed}: ${violations.length} violations, with ${JSON.stringify(options)}`);
  for (const { rule, message } of violations.slice(0, 5)) console.log(`  ${rule}: ${message}`);
  console.log(`  again: npm run sim -- --seed ${seed} --trace`);
}

async function manySeeds({ seeds, from, json }) {
  const begin = performance.now();
  const totals = { seeds: 0, operations: 0, writes: 0, events: 0, breaks: 0, evictions: 0, transactions: 0, failed: [], aborts: {} };
  if (!json) console.log(`seeds ${from} to ${from + seeds - 1}`);
  await spread(import.meta.url, slices(from, seeds), (slice) => {
    for (const name of ["seeds", ...COUNTS]) totals[name] += slice[name];
    add(totals.aborts, slice.aborts);
    totals.failed.push(...slice.failed.map(({ seed }) => seed));
    if (json) return;
    if (process.stdout.isTTY) process.stdout.write(`\r${totals.seeds} of ${seeds} seeds, ${totals.failed.length} failed `);
    slice.failed.forEach(report);
  });
  const seconds = (performance.now() - begin) / 1000;
  if (json) console.log(JSON.stringify({ from, ...totals, seconds: Number(seconds.toFixed(1)) }));
  else {
    console.log(
      `\n${totals.seeds} seeds in ${seconds.toFixed(1)} s: ${totals.operations} operations, ${totals.writes} writes, ${totals.events} events, ${totals.breaks} broken connections, ${totals.evictions} evictions`,
    );
    console.log(`${totals.transactions} transactions, given up: ${JSON.stringify(totals.aborts)}`);
    console.log(totals.failed.length === 0 ? "no violation" : `violations at the seeds ${totals.failed.join(", ")}`);
  }
  return totals.failed.length === 0 ? 0 : 1;
}

/** Adds the counts of some names to those of others. */
function add(totals, counts) {
  for (const [name, count] of Object.entries(counts)) totals[name] = (totals[name] ?? 0) + count;
}

function* slices(from, count) {
  for (let at = from; at < from + count; at += SLICE) yield { from: at, to: Math.min(at + SLICE, from + count) };
}

/** A worker: runs what it is given. */
function serve() {
  parentPort.on("message", async ({ from, to, mutation }) => {
    parentPort.postMessage(mutation === undefined ? await runSlice(from, to) : await findMutation(mutation));
  });
}

async function runSlice(from, to) {
  const totals = { seeds: 0, operations: 0, writes: 0, events: 0, breaks: 0, evictions: 0, transactions: 0, failed: [], aborts: {} };
  for (let seed = from; seed < to; seed++) {
    const result = await judgedSeed(seed);
    totals.seeds += 1;
    for (const name of COUNTS) totals[name] += result[name];
    add(totals.aborts, result.aborts);
    if (result.violations.length > 0) totals.failed.push({ seed, options: result.options, violations: result.violations.slice(0, 20) });
  }
  return totals;
}

async function findMutation(name) {
  const mutation = MUTATIONS.find((one) => one.name === name);
  for (let seed = 1; seed <= MUTATION_SEEDS_MAX; seed++) {
    const { violations } = await judgedSeed(seed, { mutation });
    if (violations.length > 0) return { name, rule: mutation.rule, seed, by: [...new Set(violations.map(({ rule }) => rule))], message: violations[0].message };
  }
  return { name, rule: mutation.rule, seed: undefined, by: [], message: "" };
}

async function mutationTable(json) {
  const found = [];
  await spread(import.meta.url, MUTATIONS.map(({ name }) => ({ mutation: name })).values(), (row) => found.push(row));
  found.sort((a, b) => MUTATIONS.findIndex(({ name }) => name === a.name) - MUTATIONS.findIndex(({ name }) => name === b.name));
  if (json) for (const row of found) console.log(JSON.stringify(row));
  else {
    const width = Math.max(...found.map(({ rule }) => rule.length));
    console.log(`${"rule taken away".padEnd(width)}  seeds  found by`);
    for (const { rule, seed, by } of found)
      console.log(`${rule.padEnd(width)}  ${String(seed ?? "–").padStart(5)}  ${seed === undefined ? "NOT FOUND" : by.join(", ")}`);
  }
  return found.every(({ seed }) => seed !== undefined) ? 0 : 1;
}
