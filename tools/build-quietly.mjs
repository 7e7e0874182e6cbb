// Builds packages and what they need, silently unless it fails: what the user asked for comes next.
import { spawnSync } from "node:child_process";

const names = process.argv.slice(2);
const { status, stdout, stderr } = spawnSync("npx", ["turbo", "run", "build", "--output-logs=errors-only", ...names.map((name) => `--filter=${name}...`)], {
  encoding: "utf8",
});
if (status !== 0) {
  process.stderr.write(stdout + stderr);
  process.exitCode = 1;
}
