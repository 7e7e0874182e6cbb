// One table of all mutations: each rule of the protocol changed in turn, and which layers of checking find it.
//
//   npm run mutations            as a table in Markdown; ends with 1 where a rule is found by none
//   npm run mutations -- --json  one line per rule
//
// The layers are commands of their own (npm run sim, explore and conformance, each with --mutations), which this runs one after the other.

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { MUTATIONS } from "@causalmesh/core/testing";

const run = promisify(execFile);
const LINES_BYTES_MAX = 64 * 1024 * 1024;

/** What the layer's table says, line by line. A layer ends with 1 where it has not found a rule, which is no failure here. */
async function tableOf(tool) {
  const args = [fileURLToPath(new URL(tool, import.meta.url)), "--mutations", "--json"];
  const { stdout } = await run(process.execPath, args, { maxBuffer: LINES_BYTES_MAX }).catch((error) => {
    if (error.code === 1) return error;
    throw error;
  });
  return stdout.split("\n").flatMap((line) => (line.startsWith("{") ? [JSON.parse(line)] : []));
}

/** The layers that find a rule, by how much they need for that: undefined where one does not. */
function layersOf({ name, rule }, { simulation, exploration, conformance }) {
  const simulated = simulation.find((line) => line.name === name);
  const explored = exploration.find((line) => line.name === name);
  const compared = conformance.find((line) => line.side === "code" && line.name === rule);
  const isOfChecker = (found) => found.startsWith("checker: ");
  const rules = simulated?.by ?? [];
  return {
    simulation: rules.some((found) => !isOfChecker(found)) ? `seed ${simulated.seed}` : undefined,
    checker: rules.some(isOfChecker) ? `seed ${simulated.seed}` : undefined,
    exploration: explored?.mesh === undefined ? undefined : `${explored.states} states`,
    conformance: compared?.differences === undefined ? undefined : `${compared.steps} steps`,
  };
}

const tables = {
  simulation: await tableOf("sim.mjs"),
  exploration: await tableOf("explore.mjs"),
  conformance: await tableOf("conformance.mjs"),
};
const asJson = process.argv.includes("--json");
const LAYERS = ["simulation", "checker", "exploration", "conformance"];
let survivors = 0;
if (!asJson) console.log(`| rule taken away | ${LAYERS.join(" | ")} |\n|---|${LAYERS.map(() => "---").join("|")}|`);
for (const mutation of MUTATIONS) {
  const layers = layersOf(mutation, tables);
  if (Object.values(layers).every((found) => found === undefined)) survivors += 1;
  if (asJson) console.log(JSON.stringify({ name: mutation.name, rule: mutation.rule, ...layers }));
  else console.log(`| ${mutation.rule} | ${LAYERS.map((layer) => layers[layer] ?? "").join(" | ")} |`);
}
for (const { name, steps, differences } of tables.conformance.filter(({ side }) => side === "model")) {
  if (differences === undefined) survivors += 1;
  if (asJson) console.log(JSON.stringify({ name, side: "model", conformance: differences === undefined ? undefined : `${steps} steps` }));
  else console.log(`| in the model: ${name} | | | | ${differences === undefined ? "" : `${steps} steps`} |`);
}
if (!asJson) console.log(survivors === 0 ? `\n${MUTATIONS.length} rules of the code, and none survives` : `\n${survivors} survive`);
process.exitCode = survivors === 0 ? 0 : 1;
