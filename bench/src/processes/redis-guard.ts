// Runs a redis-server of its own, on a free port and without persistence, and ends it with the bench, however that ends.

import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { freePorts } from "../ports.js";
import { serve } from "../serve.js";

const STARTED_MS_MAX = 5_000;

/** Installs Debian's package where there is none and this process may do it. */
function ensureInstalled(): void {
  try {
    execFileSync("redis-server", ["--version"], { stdio: "ignore" });
    return;
  } catch {
    if (process.getuid?.() !== 0) throw new Error("redis-server is not there; install it: apt-get install redis-server");
  }
  execFileSync("apt-get", ["install", "-y", "-qq", "redis-server"], { stdio: "ignore", env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } });
}

interface Redis {
  readonly port: number;
  readonly process: ChildProcess;
  readonly folder: string;
}

async function start(): Promise<Redis> {
  ensureInstalled();
  const [port] = await freePorts(1);
  const folder = mkdtempSync(join(tmpdir(), "bench-redis-"));
  const redis = spawn("redis-server", ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", folder], {
    stdio: "ignore",
    // Not in the terminal's group: Ctrl-C reaches the bench, and the bench ends redis.
    detached: true,
  });
  process.on("exit", () => redis.kill("SIGKILL"));
  await once(redis, "spawn");
  await untilAccepted(port);
  return { port, process: redis, folder };
}

async function end(): Promise<void> {
  const { process: redis, folder } = await started;
  const exited = once(redis, "exit");
  redis.kill("SIGKILL");
  await exited;
  rmSync(folder, { recursive: true, force: true });
}

async function untilAccepted(port: number): Promise<void> {
  const deadline = Date.now() + STARTED_MS_MAX;
  for (;;) {
    const socket = connect(port, "127.0.0.1");
    try {
      await once(socket, "connect");
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await pause(20);
    } finally {
      socket.destroy();
    }
  }
}

/** CPU of all threads of a process in microseconds. The scheduler's own account is exact to the nanosecond; `stat` counts ticks of 10 ms. */
function cpuOf(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`);
  return threads.reduce((total, thread) => total + Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "latin1").split(" ")[0]) / 1000, 0);
}

const started = start();
started.catch(() => undefined);

const commands = {
  listen: async (): Promise<number> => (await started).port,
  cpu: async (): Promise<number> => cpuOf((await started).process.pid!),
};
export type RedisProgram = typeof commands;
serve(commands, end);
