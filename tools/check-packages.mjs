// publint and attw on every package as it would be published.
import { spawnSync } from "node:child_process";
import { PUBLISHED, ROOT } from "./packages.mjs";

function check(folder, command, ...args) {
  const { status, stdout, stderr } = spawnSync("npx", [command, ...args], { cwd: `${ROOT}/${folder}`, encoding: "utf8" });
  if (status === 0) return true;
  console.error(`${folder}: ${command} failed\n${stdout}${stderr}`);
  return false;
}

let ok = true;
for (const folder of PUBLISHED) {
  ok = check(folder, "publint", "--strict") && ok;
  ok = check(folder, "attw", "--pack", ".", "--profile", "esm-only") && ok;
}
if (!ok) process.exitCode = 1;
