// Verifies the Dafny development: `npm run verify`. Every file by itself, in the order in which they include one another.
//
//   npm run verify                    all of spec/
//   npm run verify -- FILE...         some of it
//   npm run verify -- --folder PATH   another folder
//
// Nothing is believed: the text may not hold what makes Dafny take a statement for proved, and Dafny has to say of each file that everything in it
// was verified. Its exit status alone would not do, nor would the absence of errors: a proof that takes too long is neither.

import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { installDebianPackage } from "@causalmesh/test-servers";
import { problemsIn } from "./dafny-text.mjs";
import { ROOT } from "./packages.mjs";

const execute = promisify(execFile);
/** The version of Debian 12, under which the proofs were found. */
const TESTED_VERSION = "2.3.0";
/** For one lemma, on the wall: on a machine with ten programs per processor the slowest took 40. */
const LEMMA_SECONDS_MAX = 300;
const FILE_MS_MAX = 20 * 60_000;
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;
const USAGE = "usage: npm run verify -- [--folder PATH] [FILE...]";

/** The files of a folder, each behind those that it includes. */
export function filesOf(folder) {
  const order = [];
  const visit = (name) => {
    if (order.includes(name)) return;
    for (const [, included] of readFileSync(join(folder, name), "utf8").matchAll(/^include "([^"]*)"/gm)) visit(included);
    order.push(name);
  };
  for (const name of readdirSync(folder)
    .filter((one) => one.endsWith(".dfy"))
    .sort())
    visit(name);
  return order;
}

/** Makes sure that Dafny is there. Throws, with what to do, where it is not. */
export async function needDafny() {
  const version = (await dafnyVersion()) ?? ((await installDebianPackage("dafny")) ? await dafnyVersion() : undefined);
  if (version === undefined) throw new Error("no Dafny: install it with its prover (apt-get install dafny on Debian 12 or newer)");
  if (!version.startsWith(TESTED_VERSION))
    console.error(`Dafny ${version}: the proofs were found with ${TESTED_VERSION}, and may need more time or help with another`);
}

async function dafnyVersion() {
  // It names its version first, and ends with an error: it was given no file.
  const { stdout } = await execute("dafny", ["/version"]).catch((error) => error);
  return /^Dafny (\d+\.\d+\.\d+)/.exec(stdout ?? "")?.[1];
}

/** Verifies one file. `verified` counts what Dafny has proved; `problems` says what it has not, and what the text may not hold. */
export async function verifyFile(folder, name) {
  const begin = performance.now();
  const problems = problemsIn(readFileSync(join(folder, name), "utf8")).map((problem) => `${name}:${problem}`);
  const { failed, output } = await run(folder, name);
  const [, verified, errors, rest] = /finished with (\d+) verified, (\d+) errors?(.*)/.exec(output) ?? [];
  if (failed || errors !== "0" || rest !== "" || verified === "0") problems.push(...complaintsIn(output), `${name}: not verified`);
  return { name, verified: Number(verified ?? 0), problems, seconds: (performance.now() - begin) / 1000 };
}

async function run(folder, name) {
  const options = ["/nologo", "/compile:0", "/noCheating:1", `/timeLimit:${LEMMA_SECONDS_MAX}`];
  try {
    const { stdout } = await execute("dafny", [...options, name], { cwd: folder, timeout: FILE_MS_MAX, maxBuffer: OUTPUT_BYTES_MAX });
    return { failed: false, output: stdout };
  } catch (error) {
    return { failed: true, output: error.killed ? `${name}: Error: gave up after ${FILE_MS_MAX / 60_000} minutes` : `${error.stdout ?? ""}` };
  }
}

/** Debian's prover also complains, harmlessly, of a parameter that it does not know. */
function complaintsIn(output) {
  return output.split("\n").filter((line) => /^\S+\.dfy\(.*(Error|timed out|Related location)|: Error: |errors? detected in/.test(line));
}

async function main() {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { folder: { type: "string", default: join(ROOT, "spec") } } });
  const files = filesOf(values.folder);
  const unknown = positionals.filter((file) => !files.includes(basename(file)));
  if (unknown.length > 0) throw new Error(`no ${unknown.join(", ")} in ${values.folder}\n${USAGE}`);
  await needDafny();
  let verified = 0;
  let failed = 0;
  const begin = performance.now();
  for (const name of positionals.length === 0 ? files : positionals.map((file) => basename(file))) {
    const result = await verifyFile(values.folder, name);
    verified += result.verified;
    failed += result.problems.length > 0 ? 1 : 0;
    console.log(
      `${result.problems.length === 0 ? "ok    " : "FAILED"}  ${name.padEnd(24)} ${String(result.verified).padStart(4)} verified  ${result.seconds.toFixed(1).padStart(6)} s`,
    );
    for (const problem of result.problems) console.log(`        ${problem}`);
  }
  console.log(`${verified} verified in ${((performance.now() - begin) / 1000).toFixed(0)} s, ${failed} of the files failed`);
  return failed === 0 ? 0 : 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    process.exitCode = await main();
  } catch (error) {
    console.error(error.message);
    process.exitCode = 2;
  }
}
