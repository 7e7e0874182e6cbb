// A real Postgres server for tests: the one that the environment names, or one of this machine's programs in a temporary folder.

import { randomBytes } from "node:crypto";
import { chownSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GuardedServer } from "./guarded.js";
import { execute, folderOf, freePort, installDebianPackage, unprivilegedUser, type UserIds } from "./machine.js";

const ADDRESS_VARIABLE = "CAUSALMESH_TEST_POSTGRES_URL";
const FOLDERS = ["/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql@*/bin", "/usr/local/opt/postgresql@*/bin"];

export interface PostgresServer {
  /** `postgres://user:password@host:port/database` of a user who may do everything. */
  readonly url: string;
  /** Ends the server in order and removes its folder. A server that the environment named goes on. */
  stop(): Promise<void>;
  /** Ends it with SIGKILL, as a crash would; what it had committed is in its folder. Not for a server that the environment named. */
  kill(): Promise<void>;
  /** Starts it again on the same port and folder, after an orderly end if it runs. Not for a server that the environment named. */
  restart(): Promise<void>;
}

export interface StartPostgresOptions {
  /** A server of one's own, whatever the environment names: for tests that kill it or change its settings. */
  readonly own?: boolean;
}

/** Finds or starts a server. Throws with one line that says what to install where neither is possible. */
export async function startPostgres({ own = false }: StartPostgresOptions = {}): Promise<PostgresServer> {
  const url = process.env[ADDRESS_VARIABLE];
  if (!own && url !== undefined && url !== "") return foreignServer(url);
  const programs = folderOf("initdb", FOLDERS) ?? ((await installDebianPackage("postgresql")) ? folderOf("initdb", FOLDERS) : undefined);
  if (programs === undefined)
    throw new Error(`no Postgres for the tests: install it (apt-get install postgresql, brew install postgresql), or set ${ADDRESS_VARIABLE}`);
  return await OwnServer.start(programs);
}

function foreignServer(url: string): PostgresServer {
  const refuse = async (): Promise<void> => {
    throw new Error(`${ADDRESS_VARIABLE} names a server that is not the tests' to end; ask for one with { own: true }`);
  };
  return { url, stop: async () => undefined, kill: refuse, restart: refuse };
}

class OwnServer implements PostgresServer {
  readonly url: string;
  readonly #programs: string;
  readonly #folder: string;
  readonly #port: number;
  readonly #user: UserIds | undefined;
  #server: GuardedServer | undefined;

  private constructor(programs: string, folder: string, port: number, password: string, user: UserIds | undefined) {
    this.url = `postgres://mesh:${password}@127.0.0.1:${port}/postgres`;
    this.#programs = programs;
    this.#folder = folder;
    this.#port = port;
    this.#user = user;
  }

  static async start(programs: string): Promise<OwnServer> {
    const folder = mkdtempSync(join(tmpdir(), "causalmesh-postgres-"));
    // Postgres does not run as root.
    const user = await unprivilegedUser("postgres", "nobody");
    const password = randomBytes(12).toString("hex");
    const passwordFile = join(folder, "password");
    writeFileSync(passwordFile, password);
    if (user !== undefined) for (const path of [folder, passwordFile]) chownSync(path, user.uid, user.gid);
    const server = new OwnServer(programs, folder, await freePort(), password, user);
    try {
      await server.#initialize(passwordFile);
      await server.#run();
      return server;
    } catch (error) {
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  async #initialize(passwordFile: string): Promise<void> {
    // Without syncing: the folder need not outlive a crash of the machine. The server itself syncs, as it does for users.
    const args = ["--no-sync", "--encoding=UTF8", "--locale=C", "--username=mesh", "--auth=scram-sha-256", `--pwfile=${passwordFile}`];
    await execute(join(this.#programs, "initdb"), [...args, `--pgdata=${this.#data}`], { cwd: this.#folder, ...this.#user });
  }

  get #data(): string {
    return join(this.#folder, "data");
  }

  async #run(): Promise<void> {
    const args = ["-D", this.#data, "-p", String(this.#port), "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="];
    const order = { command: join(this.#programs, "postgres"), args, folder: this.#folder, log: join(this.#folder, "log"), user: this.#user };
    this.#server = await GuardedServer.start(order, async () => await answers(this.#port));
  }

  async stop(): Promise<void> {
    // SIGINT asks Postgres for a fast shutdown: clients are disconnected, nothing committed is lost.
    await this.#server!.end("SIGINT");
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 20 });
  }

  async kill(): Promise<void> {
    await this.#server!.end("SIGKILL");
  }

  async restart(): Promise<void> {
    await this.#server!.end("SIGINT");
    await this.#run();
  }
}

/** Resolves when the server takes a connection and asks for a password: while it starts or recovers it answers with an error instead. */
async function answers(port: number): Promise<void> {
  const socket = connect(port, "127.0.0.1");
  try {
    const reply = await new Promise<Buffer>((resolve, reject) => {
      socket
        .once("error", reject)
        .once("data", resolve)
        .once("close", () => reject(new Error("the connection was closed")));
      // A startup message of protocol 3.0 for the user `mesh`.
      const body = Buffer.from("\0\u0003\0\0user\0mesh\0\0", "latin1");
      const length = Buffer.alloc(4);
      length.writeUInt32BE(body.length + 4);
      socket.end(Buffer.concat([length, body]));
    });
    // `R` asks for authentication.
    if (reply[0] !== "R".charCodeAt(0)) throw new Error(reply.toString("latin1"));
  } finally {
    socket.destroy();
  }
}
