// Kills whole meshes of processes at random moments, and judges what is left in the store.
//
//   npm run crash -- --rounds 300 --store lmdb:./folder     or postgres://user@host/database?schema=crash, redis://host/0?prefix=crash, dynamodb://table?…
//   npm run crash -- --store postgres:                      without an address: a folder, or a server, for this run alone
//   npm run crash -- --store dynamodb:                      an emulator that has no transactions; dynamodb:transactions emulates those too
//   npm run crash -- --rounds 1 --seed 42                   one of them again: the same draws, though not the same moments of the machine

import { parseArgs } from "node:util";
import { crashRounds, DATABASES, openDatabase } from "@causalmesh/faults";

const SEED_MAX = 1_000_000_000;
const VIOLATIONS_SHOWN = 5;
const USAGE = `usage: npm run crash -- [--rounds N] [--store URL] [--seed SEED] [--json]; URL is one of ${DATABASES.join(" ")}, with an address or without`;

process.exitCode = await main();

async function main() {
  const options = parse();
  if (options === undefined) return 2;
  const { rounds, seed, store, json } = options;
  if (!json) console.log(`rounds ${seed} to ${seed + rounds - 1}`);
  const database = await openDatabase(store);
  const begin = performance.now();
  try {
    const { rounds: reports, disturbed } = await crashRounds({ url: database.url, rounds, seed, report: (round) => show(round, json) });
    const failed = reports.filter(({ violations }) => violations.length > 0).map((round) => round.seed);
    const sum = (name) => reports.reduce((total, round) => total + round[name], 0);
    const totals = Object.fromEntries(["answered", "writes", "cuts", "tokens", "lost"].map((name) => [name, sum(name)]));
    const seconds = Number(((performance.now() - begin) / 1000).toFixed(1));
    if (json) console.log(JSON.stringify({ rounds, seed, ...totals, seconds, failed, disturbed: disturbed.length }));
    else {
      const { answered, writes, cuts, tokens, lost } = totals;
      console.log(`${rounds} crashes in ${seconds} s: ${answered} calls answered, ${writes} writes, ${cuts} states of the store judged`);
      console.log(`${tokens} tokens went on, ${lost} were told that their past is lost`);
      console.log(failed.length === 0 ? "no violation" : `violations at the seeds ${failed.join(", ")}`);
      if (disturbed.length > 0) console.log(`rows of earlier rounds were changed: ${disturbed.length} rounds`);
    }
    return failed.length + disturbed.length === 0 ? 0 : 1;
  } finally {
    await database.remove();
  }
}

function parse() {
  try {
    const options = {
      rounds: { type: "string", default: "20" },
      store: { type: "string", default: "lmdb:" },
      seed: { type: "string" },
      json: { type: "boolean", default: false },
    };
    const { values } = parseArgs({ options });
    const { seed = String(Math.floor(Math.random() * SEED_MAX)), rounds, store } = values;
    for (const [name, text] of Object.entries({ rounds, seed })) if (!/^\d{1,15}$/.test(text)) throw new Error(`--${name} takes a whole number`);
    if (!DATABASES.some((kind) => store.startsWith(kind))) throw new Error(`--store begins with ${DATABASES.join(" or ")}`);
    return { ...values, rounds: Number(rounds), seed: Number(seed) };
  } catch (error) {
    console.error(`${error.message}\n${USAGE}`);
    return undefined;
  }
}

function show(round, json) {
  const { seed, nodes, lostOne, killedAfterMs, answered, writes, tokens, lost, violations } = round;
  if (json) return console.log(JSON.stringify(round));
  console.log(
    `seed ${seed}: ${lostOne ? "1 of " : ""}${nodes} nodes killed after ${killedAfterMs} ms, ${answered} calls answered, ${writes} writes, ${tokens} tokens went on, ${lost} lost`,
  );
  for (const { rule, message } of violations.slice(0, VIOLATIONS_SHOWN)) console.log(`  ${rule}: ${message}`);
}
