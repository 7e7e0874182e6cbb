// The commands, their flags and their help. Each action imports its command when it runs: a start of the program loads
// the parser and that one command.

import { Command } from "commander";
import { addHistory, addMonitor } from "./program-history.js";
import { addCluster, addCompletion, addConfig } from "./program-operation.js";
import type { GlobalFlags } from "./settings.js";
import type { Terminal } from "./terminal.js";
import { VERSION } from "./version.js";

/** One run of the program; the action leaves its exit code here. */
export interface Invocation {
  readonly terminal: Terminal;
  exitCode: number;
}

type Flags = GlobalFlags & Record<string, unknown>;
/** A command: positional arguments and flags in, exit code out. */
type Action = (args: string[], flags: Flags, terminal: Terminal) => Promise<number>;

const ROOT_HELP = `
Begin with:
  causalmesh dev                                   a mesh of three nodes on this machine
  causalmesh kv set greeting hello                 prints a session token
  causalmesh kv get greeting --session TOKEN       at any node: never older than the token

Environment: CAUSALMESH_URL, CAUSALMESH_SECRET, CAUSALMESH_SECRET_FILE, CAUSALMESH_STORE, CAUSALMESH_NAMESPACE,
CAUSALMESH_LOG_LEVEL, CAUSALMESH_TLS_CA, CAUSALMESH_TLS_CERT, CAUSALMESH_TLS_KEY, CAUSALMESH_TLS_SERVER_NAME,
CAUSALMESH_API_KEY; and of nodes CAUSALMESH_LISTEN, _ADVERTISE, _ADMIN, _HTTP, _HTTP_KEYS, _CACHE_BYTES, _GRACE, _MONITOR.
Settings: flag > environment > causalmesh.config.{mjs,js,json} up the tree > default.
Exit codes: 0 ok, 1 failed, 2 usage, 3 unreachable, 4 timeout, 130 interrupted. With --json, results go to standard
output and errors ({"error":{"code","message","retryable"}}) to standard error, one object per line.`;

export function createProgram(invocation: Invocation): Command {
  const { terminal } = invocation;
  const program = new Command("causalmesh")
    .description("Runs and manages meshes: causally consistent caches for workflows that roam.")
    .version(VERSION, "-V, --version", "print the version")
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.stdout.write(text),
      writeErr: (text) => terminal.stderr.write(text),
      // Errors are printed in run.ts, as text or as JSON.
      outputError: () => undefined,
    })
    .configureHelp({ showGlobalOptions: true })
    .option("--json", "print one JSON object per line")
    .option("--url <urls>", "nodes to talk to, with commas; meshs:// for TLS, or https:// for an HTTP front (default: mesh://127.0.0.1:7400)")
    .option("--config <file>", "configuration file, instead of the nearest causalmesh.config.*")
    .option("--no-config", "use no configuration file")
    .option("--timeout <time>", "time for a call, such as 500ms or 5s (default: 5s)")
    .option("--namespace <name>", "keep keys apart from those of other namespaces")
    .option("--secret <secret>", "shared secret; safer in --secret-file: other users see command lines")
    .option(
      "--secret-file <file>",
      "file with the shared secret, or several, one a line: the first proves and signs, all are accepted; read again when it changes",
    )
    .option("--tls-ca <file>", "certificates of the authorities that are trusted, as PEM; speaks TLS")
    .option("--tls-cert <file>", "this program's certificate, as PEM: a node's, or a client's where nodes ask for one; read again when it changes")
    .option("--tls-key <file>", "the key of --tls-cert")
    .option("--tls-server-name <name>", "the name that certificates of nodes are for (default: the host in the address)")
    .option("--api-key-file <file>", "file with the key for an HTTP front")
    .option("--quiet", "print results and errors alone")
    .option("-v, --verbose", "print debug logs, and stack traces of errors")
    .option("--no-color", "no colours (as NO_COLOR=1)")
    .addHelpText("after", ROOT_HELP);
  const leaf = leafMaker(invocation);
  addDev(leaf(program, "dev"));
  addNode(program.command("node").description("one node"), leaf);
  addCluster(program.command("cluster").description("a running mesh"), leaf);
  addKv(program.command("kv").description("keys and values"), leaf);
  addSession(program.command("session").description("session tokens"), leaf);
  addHistory(program.command("history").description("recorded histories"), leaf);
  addMonitor(leaf(program, "monitor"));
  addDoctor(leaf(program, "doctor"));
  addConfig(program.command("config").description("settings"), leaf);
  addCompletion(leaf, program);
  return program;
}

/** Makes a command that does something; a hidden one is in no help. */
export type Leaf = (parent: Command, usage: string, hidden?: boolean) => { command: Command; run(action: Action): Command };

function leafMaker(invocation: Invocation): Leaf {
  return (parent, usage, hidden = false) => {
    const command = parent.command(usage, { hidden });
    const run = (action: Action): Command =>
      command.action(async () => {
        invocation.exitCode = await action(command.args, command.optsWithGlobals<Flags>(), invocation.terminal);
      });
    return { command, run };
  };
}

function addDev({ command, run }: ReturnType<Leaf>): void {
  command
    .description("Runs a whole mesh on this machine, each node a process. Ctrl-C stops it.")
    .option("--nodes <count>", "nodes to run (default: 3)")
    .option(
      "--store <url>",
      "memory: (one node only), lmdb:./folder, postgres://user@host/database, redis://user@host or dynamodb://table (default: lmdb:./.causalmesh)",
    )
    .option("--host <host>", "address to listen on (default: 127.0.0.1)")
    .option("--port <port>", "port of the first node, the others follow; 0 takes any free ones (default: 7400)")
    .option("--admin-port <port>", "admin port of the first node, on the loopback interface; 0 takes any free ones (default: 0)")
    .option("--http-port <port>", "serve HTTP too, on the loopback interface without API keys: port of the first node; 0 takes any free ones")
    .option("--tls-client-certs", "take nobody without a certificate of --tls-ca")
    .option("--insecure-no-authentication", "allow a host beyond this machine without a secret")
    .addHelpText(
      "after",
      `
Prints, with --json, when the mesh is ready: {"ready":true,"nodes":["mesh://127.0.0.1:7400",…],"admin":["http://127.0.0.1:…",…]}
Exit code 130 after Ctrl-C, 0 after SIGTERM, 1 when a node ended by itself. A second Ctrl-C ends the nodes at once.

Examples:
  causalmesh dev
  causalmesh dev --nodes 5 --store lmdb:./data --port 9000
  CAUSALMESH_STORE=postgres://me:password@db.internal/shop causalmesh dev
  causalmesh dev --nodes 1 --store memory: --json`,
    );
  run(async (_args, flags, terminal) => (await import("./commands/dev.js")).dev(flags, terminal));
}

function addNode(parent: Command, leaf: Leaf): void {
  const { command, run } = leaf(parent, "start");
  command
    .description("Runs one node in this process. It joins the mesh on the store, or begins one.")
    .option("--listen <address>", "address for other nodes and clients (default: 127.0.0.1:7400)")
    .option("--advertise <address>", "address under which others reach it, where that is not --listen")
    .option(
      "--store <url>",
      "memory:, lmdb:./folder, postgres://…, redis://… or dynamodb://…; with a password, safer in CAUSALMESH_STORE: other users see command lines",
    )
    .option("--replica <id>", "the member of a view that formMesh made for this node")
    .option("--admin <address>", "address of /livez, /readyz, /metrics, /status and /debug (default: 127.0.0.1, any free port)")
    .option("--no-admin", "no admin port")
    .option("--http <address>", "serve the mesh over HTTP at host:port; beyond this machine it needs --http-keys")
    .option("--no-http", "no HTTP, whatever the environment and the configuration file say")
    .option("--http-keys <file>", 'JSON file with API keys: [{"name","key" or "sha256","role","namespaces"}]; read again when it changes, and on SIGHUP')
    .option("--http-tls-cert <file>", "serve HTTPS with this certificate, as PEM; read again when it changes")
    .option("--http-tls-key <file>", "the key of --http-tls-cert")
    .option("--cache-bytes <bytes>", "bound of the cache")
    .option("--grace <time>", "time to hand over and leave in, when it is told to stop (default: 10s)")
    .option("--monitor <url>", "roam through the mesh on reserved keys, and tell causalmesh monitor at this URL what was answered")
    .option("--tls-client-certs", "take nobody, node or client, without a certificate of --tls-ca")
    .option("--admin-no-authentication", "allow an admin port beyond this machine: it shows the node's state to anybody who reaches it")
    .option("--insecure-no-authentication", "allow listening beyond this machine without a secret")
    .addHelpText(
      "after",
      `
SIGTERM, SIGINT and causalmesh cluster drain stop it: it takes no more sessions, hands over, leaves the mesh, and exits with 0; with 1 where that did not work
within --grace, and writes may be lost. A second signal ends it at once, with 130. Logs are JSON on standard error.

Examples:
  causalmesh node start --store lmdb:./data
  causalmesh node start --listen 0.0.0.0:7400 --secret-file /run/secrets/mesh --store lmdb:/data --admin 0.0.0.0:9400 --admin-no-authentication
  causalmesh node start --listen 10.0.0.7:7400 --tls-cert node.pem --tls-key node.key --tls-ca ca.pem --tls-client-certs --secret-file mesh.secret --store lmdb:./data
  causalmesh node start --store lmdb:./data --secret-file mesh.secret --http 0.0.0.0:8080 --http-keys keys.json`,
    );
  command.addOption(command.createOption("--supervised", "report to the parent over its channel, and end with it").hideHelp());
  run(async (_args, flags, terminal) => (await import("./commands/node.js")).nodeStart(flags, terminal));
}

const collect = (value: string, before: string[] | undefined): string[] => [...(before ?? []), value];
const SESSION_HELP = "go on from this token; repeat it to join branches; - reads it from standard input";

function addKv(parent: Command, leaf: Leaf): void {
  const get = leaf(parent, "get <key>");
  get.command
    .description("Prints a value, and (on standard error) the session's new token.")
    .option("--session <token>", SESSION_HELP, collect)
    .option("--exit-code", "exit with 1 when the key is absent")
    .addHelpText(
      "after",
      `
Prints with --json: {"key":…,"hit":true,"value":…,"session":…}. An absent key prints nothing, or {"key":…,"hit":false,"session":…},
and exits with 0, as asking for it was no error; --exit-code makes it 1.

Examples:
  causalmesh kv get cart:42
  causalmesh kv get cart:42 --session "$TOKEN" --url mesh://127.0.0.1:7401 --json`,
    );
  get.run(async ([key], flags, terminal) => (await import("./commands/kv.js")).kvGet(key, flags, terminal));

  const set = leaf(parent, "set <key> <value>");
  set.command
    .description("Sets a value, and prints the session's new token. The value is JSON where it parses, else a string; - reads standard input.")
    .option("--session <token>", SESSION_HELP, collect)
    .option("--string", "the value is a string, exactly as given")
    .option("--raw", "the same as --string")
    .option("--ttl <time>", "the value is gone after this time, such as 30s or 5m")
    .option("--durability <level>", "answer when it is: memory, replicated, everywhere or stored")
    .addHelpText(
      "after",
      `
Prints with --json: {"ok":true,"session":…}. A value that begins with a dash and is no number goes after --.

Examples:
  causalmesh kv set cart:42 '{"items":3}'
  TOKEN=$(causalmesh kv set greeting hello)
  causalmesh kv set page:1 - --string < page.html
  causalmesh kv set flag -- --dry-run`,
    );
  set.run(async ([key, value], flags, terminal) => (await import("./commands/kv.js")).kvSet(key, value, flags, terminal));

  const del = leaf(parent, "del <key>");
  del.command
    .description("Deletes a key, and prints the session's new token.")
    .option("--session <token>", SESSION_HELP, collect)
    .option("--durability <level>", "answer when it is: memory, replicated, everywhere or stored")
    .addHelpText("after", '\nPrints with --json: {"ok":true,"session":…}, also when the key was absent.\n\nExample:\n  causalmesh kv del cart:42');
  del.run(async ([key], flags, terminal) => (await import("./commands/kv.js")).kvDelete(key, flags, terminal));
}

function addSession(parent: Command, leaf: Leaf): void {
  const { command, run } = leaf(parent, "decode <token>");
  command.description("Shows what stands in a session token; - reads it from standard input. Asks no node.").addHelpText(
    "after",
    `
With a secret it says whether the signature is right, and exits with 1 when it is not.

Examples:
  causalmesh session decode "$TOKEN"
  causalmesh session decode - --json --secret-file mesh.secret < token.txt`,
  );
  run(async ([token], flags, terminal) => (await import("./commands/session.js")).sessionDecode(token, flags, terminal));
}

function addDoctor({ command, run }: ReturnType<Leaf>): void {
  command
    .description("Checks the store and the nodes, and says what to do where something is wrong. Changes nothing without --write.")
    .option("--store <url>", "the store to look at: lmdb:./folder or postgres://…; with a password, safer in CAUSALMESH_STORE: other users see command lines")
    .option("--write", "also set a key, read it at another node, and delete it")
    .addHelpText(
      "after",
      `
Without --url it asks the nodes that the store names. Prints with --json, for each check: {"check":…,"status":"ok"|"failed"|"skipped","detail":…},
and where it failed "advice" and, where the mesh has one for it, "code". Exit code 1 when a check failed, 3 when the store or every node could not be reached.

Examples:
  causalmesh doctor --store lmdb:./data
  CAUSALMESH_STORE=postgres://me:password@db.internal/shop causalmesh doctor --write
  causalmesh doctor --url mesh://10.0.0.7:7400 --json`,
    );
  run(async (_args, flags, terminal) => (await import("./commands/doctor.js")).doctor(flags, terminal));
}
