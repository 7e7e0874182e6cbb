// A mesh of processes under load, to which things are done: nodes are killed, stopped and continued, added and drained, links are cut and slow, the store is away.
//
//   npm run chaos -- --minutes 10 --store postgres:         or redis:, lmdb:, dynamodb:, or one with its address, which is then never killed
//   npm run chaos -- --minutes 1 --seed 42 --nodes 5        the same draws again, though not the same moments of the machine
//   npm run chaos -- --faults kill,drain                    nothing but these; without, all that there are
//   npm run chaos -- --logs FOLDER                          keeps what the nodes log
//   npm run chaos -- --history FILE                         keeps what sessions asked and were told, for causalmesh history check

import { mkdirSync } from "node:fs";
import { parseArgs } from "node:util";
import { chaosRun, DATABASES, FAULT_KINDS, openDatabase, percentile } from "@causalmesh/faults";

const SEED_MAX = 1_000_000_000;
const VIOLATIONS_SHOWN = 5;
const INTERRUPTED = 130;
const USAGE = `usage: npm run chaos -- [--minutes N] [--seed SEED] [--nodes 3..5] [--store URL] [--faults KINDS] [--logs FOLDER] [--history FILE] [--json]\nURL is one of ${DATABASES.join(" ")}, with an address or without; KINDS are some of ${FAULT_KINDS.join(",")}`;

const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`;
const rounded = (ms) => (Number.isFinite(ms) ? Math.round(ms * 10) / 10 : null);
const codesText = (codes) =>
  Object.entries(codes)
    .map(([code, count]) => `${code} ${count}`)
    .join(", ") || "none";

process.exitCode = await main();

async function main() {
  const options = parse();
  if (options === undefined) return 2;
  const { minutes, seed, nodes, store, faults, logs, history, json } = options;
  if (logs !== undefined) mkdirSync(logs, { recursive: true });
  const interrupt = new AbortController();
  process.on("SIGINT", () => interrupt.abort());
  process.on("SIGTERM", () => interrupt.abort());
  let database;
  try {
    database = await openDatabase(store, { own: true });
    if (!json) console.log(`seed ${seed}, ${minutes} min on ${store.split(":")[0]}`);
    const report = (round) => show(round, json);
    const run = await chaosRun({ database, seed, nodes, kinds: faults, logs, history, forMs: minutes * 60_000, signal: interrupt.signal, report });
    const summary = summaryOf(run);
    if (json) console.log(JSON.stringify(summary));
    else tell(summary);
    return summary.violations === 0 ? 0 : 1;
  } catch (error) {
    if (!interrupt.signal.aborted) throw error;
    console.error("interrupted; everything that ran is ended");
    return INTERRUPTED;
  } finally {
    await database?.remove();
  }
}

function parse() {
  try {
    const options = {
      minutes: { type: "string", default: "10" },
      seed: { type: "string", default: String(Math.floor(Math.random() * SEED_MAX)) },
      nodes: { type: "string" },
      store: { type: "string", default: "postgres:" },
      faults: { type: "string", default: FAULT_KINDS.join(",") },
      logs: { type: "string" },
      history: { type: "string" },
      json: { type: "boolean", default: false },
    };
    const { values } = parseArgs({ options });
    const { minutes, seed, nodes, store } = values;
    const faults = values.faults.split(",");
    if (!(Number(minutes) > 0)) throw new Error("--minutes takes a number above 0");
    if (!/^\d{1,15}$/.test(seed)) throw new Error("--seed takes a whole number");
    if (nodes !== undefined && !/^[345]$/.test(nodes)) throw new Error("--nodes takes 3, 4 or 5");
    for (const kind of faults) if (!FAULT_KINDS.includes(kind)) throw new Error(`--faults takes some of ${FAULT_KINDS.join(",")}, not ${JSON.stringify(kind)}`);
    if (!DATABASES.some((kind) => store.startsWith(kind))) throw new Error(`--store begins with ${DATABASES.join(" or ")}`);
    return { ...values, faults, minutes: Number(minutes), seed: Number(seed), nodes: nodes === undefined ? undefined : Number(nodes) };
  } catch (error) {
    console.error(`${error.message}\n${USAGE}`);
    return undefined;
  }
}

function show(round, json) {
  if (json) return console.log(JSON.stringify(round));
  const { number, faults, recoveredMs, rejoined, answered, failed, writes, lost, violations } = round;
  const done = faults.map(
    ({ kind, node, atMs, untilMs }) =>
      `${kind} ${node === 0 ? (kind === "outage" ? "of the store" : "over all nodes") : `node ${node}`} at ${seconds(atMs)} until ${seconds(untilMs)}`,
  );
  console.log(`round ${number}: ${done.join(", ") || "nothing to do"}`);
  console.log(
    `  well ${seconds(recoveredMs)} later, ${rejoined} joined anew; ${answered} calls answered, ${writes} writes, lost: ${codesText(lost)}; failed: ${codesText(failed)}`,
  );
  for (const { rule, message } of violations.slice(0, VIOLATIONS_SHOWN)) console.log(`  ${rule}: ${message}`);
}

function summaryOf({ seed, nodes, rounds }) {
  const sum = (of) => rounds.reduce((total, round) => total + of(round), 0);
  const added = (of) => {
    const codes = {};
    for (const round of rounds) for (const [code, count] of Object.entries(of(round))) codes[code] = (codes[code] ?? 0) + count;
    return codes;
  };
  const faults = {};
  for (const { kind } of rounds.flatMap((round) => round.faults)) faults[kind] = (faults[kind] ?? 0) + 1;
  // Where several faults come together, what a kill alone does cannot be told.
  const kills = rounds.filter((round) => round.faults.length === 1).flatMap((round) => round.kills);
  const spread = (of) => ({ median: rounded(percentile(kills.map(of), 0.5)), max: rounded(Math.max(...kills.map(of))) });
  return {
    seed,
    nodes,
    rounds: rounds.length,
    faults,
    rejoined: sum(({ rejoined }) => rejoined),
    answered: sum(({ answered }) => answered),
    writes: sum(({ writes }) => writes),
    lost: added((round) => round.lost),
    failed: added((round) => round.failed),
    probes: sum(({ probes }) => probes),
    probesFailed: added((round) => round.probesFailed),
    kills: {
      count: kills.length,
      readsAgainMs: spread(({ readsAgainMs }) => readsAgainMs),
      writesAgainMs: spread(({ writesAgainMs }) => writesAgainMs),
      readsElsewhereP99BeforeMs: spread(({ readsElsewhereP99Ms }) => readsElsewhereP99Ms.before),
      readsElsewhereP99AfterMs: spread(({ readsElsewhereP99Ms }) => readsElsewhereP99Ms.after),
      writesElsewhereMaxAfterMs: spread(({ writesElsewhereMaxMs }) => writesElsewhereMaxMs.after),
    },
    violations: sum(({ violations }) => violations.length),
    failedRounds: rounds.filter(({ violations }) => violations.length > 0).map(({ number }) => number),
  };
}

function tell({ nodes, rounds, faults, rejoined, answered, writes, lost, failed, probes, probesFailed, kills, violations, failedRounds }) {
  const spread = ({ median, max }) => `median ${median} ms, at most ${max} ms`;
  console.log(`\n${rounds} rounds on ${nodes} nodes; done to them: ${codesText(faults)}; ${rejoined} times a node was taken for dead, and joined anew`);
  console.log(`${answered} calls answered, ${writes} writes, lost: ${codesText(lost)}; failed: ${codesText(failed)}`);
  console.log(`${probes} calls at default settings; failed: ${codesText(probesFailed)}`);
  if (kills.count > 0) {
    console.log(`after a kill alone (${kills.count}), for the clients of the dead node:`);
    console.log(`  reads again after     ${spread(kills.readsAgainMs)}`);
    console.log(`  writes again after    ${spread(kills.writesAgainMs)}`);
    console.log("and at the others:");
    console.log(`  p99 of reads before   ${spread(kills.readsElsewhereP99BeforeMs)}`);
    console.log(`  p99 of reads after    ${spread(kills.readsElsewhereP99AfterMs)}`);
    console.log(`  longest write after   ${spread(kills.writesElsewhereMaxAfterMs)}`);
  }
  console.log(violations === 0 ? "no violation" : `${violations} violations, in the rounds ${failedRounds.join(", ")}`);
}
