// A redis-server of its own for tests and benches: on a free port of this machine, in a temporary folder, ended with the
// process that started it, however that ends. An address in CAUSALMESH_TEST_REDIS_URL takes its place where any server will do.

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { folderOf, freePort, installDebianPackage } from "./machine.js";

const STARTED_MS_MAX = 10_000;

export interface StartRedisOptions {
  /** What survives a kill: "always" (the default) every answered write, "none" nothing. */
  readonly persistence?: "always" | "none";
  /** Watches another server as a Sentinel, under the name `primary`, and puts a replica in its place when it is gone for half a second. */
  readonly sentinelOf?: RedisServer;
  /** More of redis-server's own arguments, such as "--requirepass", "secret". They need a server of its own, as `own` does. */
  readonly args?: readonly string[];
  /** A server that this test alone has, because it kills it or changes its settings; the address in the environment is not looked at. */
  readonly own?: boolean;
}

export interface RedisServer {
  /** `redis://127.0.0.1:PORT`, or the address from the environment. */
  readonly url: string;
  /** The server's process; undefined where it is not ours. */
  readonly pid: number | undefined;
  /** Ends it and removes its folder. A server that is not ours is left alone. */
  stop(): Promise<void>;
  /** Ends it by SIGKILL and keeps its folder. */
  kill(): Promise<void>;
  /** Starts it again on the same port and folder; kills it before where it runs. */
  restart(): Promise<void>;
}

/** Starts a server, or takes the one that the environment names. Rejects with one line that says what to install where there is none. */
export async function startRedis(options: StartRedisOptions = {}): Promise<RedisServer> {
  const given = process.env.CAUSALMESH_TEST_REDIS_URL;
  if (given !== undefined && given !== "" && !needsOwn(options)) return givenServer(given);
  const server = new OwnServer(await redisProgram(), await freePort(), options);
  await server.restart();
  return server;
}

const PROGRAM = "redis-server";

/** Finds the program on this machine, or installs Debian's package where this process may. */
async function redisProgram(): Promise<string> {
  const folder = folderOf(PROGRAM, []) ?? ((await installDebianPackage(PROGRAM)) ? folderOf(PROGRAM, []) : undefined);
  if (folder !== undefined) return join(folder, PROGRAM);
  throw new Error(`no Redis for the tests: install it (apt-get install redis-server, brew install redis), or set CAUSALMESH_TEST_REDIS_URL`);
}

function needsOwn({ own = false, args, sentinelOf }: StartRedisOptions): boolean {
  return own || args !== undefined || sentinelOf !== undefined;
}

function givenServer(url: string): RedisServer {
  const refuse = async (): Promise<never> => {
    throw new Error("the server of CAUSALMESH_TEST_REDIS_URL is not ours to end: ask startRedis for one of its own");
  };
  return { url, pid: undefined, stop: async () => undefined, kill: refuse, restart: refuse };
}

class OwnServer implements RedisServer {
  readonly url: string;
  readonly #port: number;
  readonly #folder = mkdtempSync(join(tmpdir(), "causalmesh-redis-"));
  readonly #command: readonly string[];
  #guard: ChildProcess | undefined;
  #pid: number | undefined;

  constructor(program: string, port: number, { persistence = "always", args = [], sentinelOf }: StartRedisOptions) {
    this.url = `redis://127.0.0.1:${port}`;
    this.#port = port;
    const common = ["--port", String(port), "--bind", "127.0.0.1", "--dir", this.#folder];
    const kept = persistence === "always" ? ["--appendonly", "yes", "--appendfsync", "always"] : ["--appendonly", "no"];
    if (sentinelOf === undefined) this.#command = [program, ...common, "--save", "", ...kept, ...args];
    else this.#command = [program, this.#sentinelFile(new URL(sentinelOf.url)), "--sentinel", ...common, ...args];
  }

  /** A Sentinel writes what it learns into its file. */
  #sentinelFile({ hostname, port }: URL): string {
    const file = join(this.#folder, "sentinel.conf");
    const settings = [`monitor primary ${hostname} ${port} 1`, "down-after-milliseconds primary 500", "failover-timeout primary 3000"];
    writeFileSync(file, settings.map((setting) => `sentinel ${setting}\n`).join(""));
    return file;
  }

  get pid(): number | undefined {
    return this.#pid;
  }

  async restart(): Promise<void> {
    await this.kill();
    // A shell stands guard: its input ends with this process, even when that is killed, and then it ends the server and removes the folder.
    const watch = '"$@" >/dev/null 2>&1 </dev/null & echo $!; read -r keep; kill -9 $!; wait; [ -n "$keep" ] || rm -rf "$0"';
    const guard = spawn("sh", ["-c", watch, this.#folder, ...this.#command], {
      stdio: ["pipe", "pipe", "ignore"],
      // Not in the terminal's group: Ctrl-C reaches this process, and this process ends the server.
      detached: true,
    });
    this.#guard = guard;
    for await (const line of createInterface({ input: guard.stdout! })) {
      this.#pid = Number(line);
      break;
    }
    // The server does not keep this process alive.
    guard.stdout!.destroy();
    (guard.stdin as Socket).unref();
    guard.unref();
    await untilAnswering(this.#port);
  }

  async kill(): Promise<void> {
    const guard = this.#guard;
    if (guard === undefined) return;
    this.#guard = undefined;
    this.#pid = undefined;
    const exited = once(guard, "exit");
    guard.ref();
    guard.stdin!.end("keep\n");
    await exited;
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Waits until the server has read what it kept and answers. */
async function untilAnswering(port: number): Promise<void> {
  const deadline = Date.now() + STARTED_MS_MAX;
  while (!(await answers(port))) {
    if (Date.now() > deadline) throw new Error(`redis-server did not answer on port ${port} within ${STARTED_MS_MAX} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Any answer but LOADING: a server with a password answers NOAUTH. */
async function answers(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  try {
    socket.write("PING\r\n");
    const [answer] = (await once(socket, "data")) as [Buffer];
    return !answer.toString("latin1").startsWith("-LOADING");
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
