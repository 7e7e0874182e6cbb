// Builds a package and what it needs, silently unless it fails: what the user asked for comes next.
import { spawnSync } from "node:child_process";

const [name] = process.argv.slice(2);
const { status, stdout, stderr } = spawnSync(
  "npx",
  ["turbo", "run", "build", "--output-logs=errors-only", ...(name === undefined ? [] : [`--filter=${name}...`])],
  {
    encoding: "utf8",
  },
);
if (status !== 0) {
  process.stderr.write(stdout + stderr);
  process.exitCode = 1;
}
