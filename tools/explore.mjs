// Plays every interleaving of small meshes of production's code, and judges each; or one rule taken away in turn, and what found it.
//
//   npm run explore                     the meshes that take seconds
//   npm run explore -- --all            also those that take longer, two minutes in all
//   npm run explore -- --mutations      each rule of the protocol taken away, on the meshes that take seconds

import { parseArgs } from "node:util";
import { explore, MUTATIONS, SMALL_MESHES } from "@causalmesh/core/testing";

const settle = () => new Promise((resolve) => process.nextTick(resolve));
const USAGE = "usage: npm run explore -- [--all] [--mesh NAME] [--mutation NAME | --mutations] [--json]";

process.exitCode = await main();

async function main() {
  const options = parse();
  if (options === undefined) return 2;
  return options.mutations ? await mutationTable(options) : await everyMesh(options);
}

function parse() {
  try {
    const boolean = { type: "boolean", default: false };
    const options = { all: boolean, mutations: boolean, json: boolean, help: boolean, mesh: { type: "string" }, mutation: { type: "string" } };
    const { values } = parseArgs({ options });
    if (values.help) throw new Error("");
    const meshes = SMALL_MESHES.filter(({ name, takesLong }) => (values.mesh === undefined ? values.all || !takesLong : name === values.mesh));
    if (meshes.length === 0) throw new Error(`--mesh takes one of ${SMALL_MESHES.map(({ name }) => name).join(", ")}`);
    const mutation = MUTATIONS.find(({ name }) => name === values.mutation);
    if (values.mutation !== undefined && mutation === undefined) throw new Error(`--mutation takes one of ${MUTATIONS.map(({ name }) => name).join(", ")}`);
    return { ...values, meshes, mutation };
  } catch (error) {
    console.error(error.message === "" ? USAGE : `${error.message}\n${USAGE}`);
    return undefined;
  }
}

async function everyMesh({ meshes, mutation, json }) {
  let found = 0;
  for (const { name, mesh } of meshes) {
    const begin = performance.now();
    const { violations, ...counts } = await explore(mesh, settle, { mutation, progress: json ? undefined : progress });
    const seconds = Number(((performance.now() - begin) / 1000).toFixed(1));
    found += violations.length;
    if (json) console.log(JSON.stringify({ name, ...counts, seconds, violations }));
    else {
      console.log(
        `${name}: ${counts.states} states, ${counts.transitions} events, ${counts.ends} ends, up to ${counts.depth} events deep, ${seconds} s${counts.isComplete ? "" : "; NOT ALL: there are more ways, or states that look alike"}`,
      );
      for (const { rule, message, way } of violations) console.log(`  ${rule}: ${message}\n    ${way.map(shortened).join("\n    ")}`);
    }
  }
  if (!json) console.log(found === 0 ? "no violation" : `${found} violations`);
  return found === 0 ? 0 : 1;
}

function progress(states, ahead) {
  if (process.stderr.isTTY) process.stderr.write(`\r${states} states, ${ahead} ways to go `);
}

/** Bytes on their way are many. */
function shortened(label) {
  return label.length > 100 ? `${label.slice(0, 100)}…` : label;
}

async function mutationTable({ meshes, json }) {
  for (const mutation of MUTATIONS) {
    let line = { name: mutation.name, rule: mutation.rule, mesh: undefined, states: 0, rules: [] };
    for (const { name, mesh } of meshes) {
      const { states, violations } = await explore(mesh, settle, { mutation });
      line.states += states;
      if (violations.length === 0) continue;
      line = { ...line, mesh: name, rules: [...new Set(violations.map(({ rule }) => rule))] };
      break;
    }
    if (json) console.log(JSON.stringify(line));
    else console.log(`${mutation.rule.padEnd(110)} ${line.mesh === undefined ? "not in these meshes" : `${line.states} states: ${line.rules.join(", ")}`}`);
  }
  return 0;
}
