// Finds redis-server on this machine, and installs Debian's package where there is none and this process may do it.

import { execFileSync } from "node:child_process";

const ADVICE = "redis-server is not there; install it (apt-get install redis-server), or give the address of one in CAUSALMESH_TEST_REDIS_URL";

/** The name of a program that runs. Throws one line that says what to install. */
export function redisProgram(): string {
  if (runs("redis-server", "--version")) return "redis-server";
  if (process.getuid?.() !== 0 || !runs("apt-get", "--version")) throw new Error(ADVICE);
  apt("update", "-qq");
  apt("install", "-y", "-qq", "redis-server");
  if (!runs("redis-server", "--version")) throw new Error(ADVICE);
  return "redis-server";
}

function runs(program: string, ...args: string[]): boolean {
  try {
    execFileSync(program, args, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

function apt(...args: string[]): void {
  try {
    execFileSync("apt-get", args, { stdio: "ignore", env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } });
  } catch (cause) {
    throw new Error(`apt-get ${args[0]} failed; ${ADVICE}`, { cause });
  }
}
