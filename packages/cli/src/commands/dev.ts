// `causalmesh dev`: a whole mesh on this machine, each node a process of its own.

import { existsSync } from "node:fs";
import { formMesh, MeshError } from "@causalmesh/core";
import { formatHostPort, type HostPort } from "../address.js";
import { createContext, type CommandContext } from "../command-context.js";
import { DEFAULT_PORT, DEFAULTS } from "../defaults.js";
import { EXIT } from "../exit-codes.js";
import { checkExposure, dialable, INSECURE_FLAG, type Guards } from "../exposure.js";
import { LocalMesh } from "../local-mesh.js";
import { formatLogLine } from "../log-lines.js";
import type { NodeReady } from "../node-process.js";
import { checkWhole, parseWhole } from "../numbers.js";
import { takePorts } from "../ports.js";
import { refuseRunningMesh } from "../running-mesh.js";
import { resolveStore, type GlobalFlags } from "../settings.js";
import { watchStop, type StopWatch } from "../stop-signal.js";
import { formatStoreUrl, openStore, storeUrlText, type StoreUrl } from "../store-url.js";
import type { Terminal } from "../terminal.js";
import { checkNodeTls } from "../tls.js";
import { count } from "../words.js";

export interface DevFlags extends GlobalFlags {
  readonly nodes?: string;
  readonly store?: string;
  readonly host?: string;
  readonly port?: string;
  readonly adminPort?: string;
  readonly httpPort?: string;
  readonly insecureNoAuthentication?: boolean;
}

interface DevOptions {
  readonly nodes: number;
  readonly store: StoreUrl;
  readonly host: string;
  readonly port: number;
  readonly adminPort: number;
  /** Undefined: no HTTP. */
  readonly httpPort: number | undefined;
  readonly insecure: boolean;
  /** The configuration file, where it has a loader that the nodes have to import. */
  readonly loaderFile: string | undefined;
}

/** As many processes as one machine is asked to run for development. */
const NODES_MAX = 64;
const PORT_MAX = 65_535;
/** With `--port 0` another program may take a port between finding and using it; then all are chosen anew. */
const ATTEMPTS_MAX = 3;

export async function dev(flags: DevFlags, terminal: Terminal): Promise<number> {
  const context = await createContext(flags, terminal);
  const options = resolveOptions(flags, context);
  const watch = watchStop(false);
  try {
    return await runMesh(options, context, watch);
  } finally {
    watch.end();
  }
}

/** Throws OPTION_INVALID or ADDRESS_INVALID. */
export function resolveOptions(flags: DevFlags, { settings, terminal }: CommandContext): DevOptions {
  const config = settings.config.values.dev ?? {};
  const whole = (flag: string | undefined, name: string, fromConfig: number | undefined, fallback: number, min: number, max: number): number =>
    flag === undefined ? checkWhole(fromConfig ?? fallback, `"dev.${name}"`, min, max) : parseWhole(flag, `--${name}`, min, max);
  const options: DevOptions = {
    nodes: whole(flags.nodes, "nodes", config.nodes, DEFAULTS["dev.nodes"], 1, NODES_MAX),
    store: resolveStore(flags.store, settings, terminal, DEFAULTS["dev.store"]),
    host: flags.host ?? config.host ?? DEFAULTS["dev.host"],
    port: whole(flags.port, "port", config.port, DEFAULTS["dev.port"], 0, PORT_MAX),
    adminPort: whole(flags.adminPort, "admin-port", config.adminPort, DEFAULTS["dev.adminPort"], 0, PORT_MAX),
    httpPort: flags.httpPort === undefined && config.httpPort === undefined ? undefined : whole(flags.httpPort, "http-port", config.httpPort, 0, 0, PORT_MAX),
    insecure: flags.insecureNoAuthentication === true,
    loaderFile: settings.config.values.node?.readThrough === undefined ? undefined : settings.config.path,
  };
  checkOptions(options, settings);
  return options;
}

function checkOptions({ nodes, store, host, insecure }: DevOptions, guards: Guards): void {
  if (store.kind === "memory" && nodes > 1) {
    throw new MeshError(
      "OPTION_INVALID",
      `memory: cannot be shared by ${nodes} processes; use --nodes 1, or a store that they can share, such as --store lmdb:./data`,
    );
  }
  checkNodeTls(guards.tls);
  checkExposure(host, host, guards, insecure);
}

async function runMesh(options: DevOptions, context: CommandContext, watch: StopWatch): Promise<number> {
  const { mesh, ready } = await startMesh(options, context, watch);
  if (ready === undefined) return stopMesh(mesh, context, watch);
  announce(ready, options, context);
  const reason = await Promise.race([watch.stopped, mesh.nodeEnded().then((how) => new Error(how))]);
  if (!(reason instanceof Error)) return stopMesh(mesh, context, watch);
  context.printer.note("stopping the other nodes");
  await mesh.stop(Promise.race([watch.stopped.then(() => undefined), watch.again]));
  throw new Error(`${reason.message}; the mesh was stopped`);
}

interface StartedMesh {
  readonly mesh: LocalMesh;
  /** undefined where the user stopped it before it was ready. */
  readonly ready: readonly NodeReady[] | undefined;
}

async function startMesh(options: DevOptions, context: CommandContext, watch: StopWatch): Promise<StartedMesh> {
  for (let attempt = 1; ; attempt++) {
    const mesh = await launch(options, context);
    try {
      const ready = await Promise.race([mesh.ready(), watch.stopped.then(() => undefined)]);
      return { mesh, ready };
    } catch (error) {
      await mesh.stop(watch.stopped.then(() => undefined));
      const unlucky = (error as MeshError).code === "ADDRESS_IN_USE" && options.port === 0;
      if (!unlucky || attempt === ATTEMPTS_MAX) throw error;
    }
  }
}

interface Place {
  readonly listen: HostPort;
  readonly advertise: string;
  readonly adminPort: number;
  readonly httpPort: number | undefined;
}

async function launch(options: DevOptions, context: CommandContext): Promise<LocalMesh> {
  const { store } = options;
  // A store in memory belongs to the one node's process, which then forms the mesh itself.
  const places = store.kind === "memory" ? await choosePlaces(options) : undefined;
  const members = places?.map((place) => ({ place, replica: undefined })) ?? (await formView(options, context));
  const args = members.map(({ place, replica }) => nodeArgs(place, replica, options, context.settings));
  return new LocalMesh({ args, env: nodeEnvironment(context, store), cwd: context.terminal.cwd, log: nodeLog(context) });
}

async function choosePlaces({ host, port, adminPort, httpPort, nodes }: DevOptions): Promise<Place[]> {
  const ports = await takePorts(host, port, nodes, "--port");
  const besides = async (first: number, option: string): Promise<number[]> =>
    first === 0 ? ports.map(() => 0) : await takePorts("127.0.0.1", first, nodes, option);
  const adminPorts = await besides(adminPort, "--admin-port");
  const httpPorts = httpPort === undefined ? undefined : await besides(httpPort, "--http-port");
  return ports.map((taken, index) => {
    const listen = { host, port: taken };
    return { listen, advertise: formatHostPort(dialable(listen)), adminPort: adminPorts[index], httpPort: httpPorts?.[index] };
  });
}

/** Gives each node its place in a new view. The store is closed again before a child opens it. */
async function formView(options: DevOptions, { settings }: CommandContext): Promise<{ place: Place; replica: number }[]> {
  // A folder that is missing is made only where the nodes have ports. One that is there is looked at first: when the ports are those
  // of the mesh that runs on it, that is what the user has to hear.
  const chosen = isMissing(options.store) ? await choosePlaces(options) : undefined;
  const store = await openStore(options.store);
  try {
    await refuseRunningMesh(store, settings);
    const places = chosen ?? (await choosePlaces(options));
    const { members } = await formMesh(
      store,
      places.map(({ advertise }) => advertise),
    );
    return places.map((place, index) => ({ place, replica: members[index].replica }));
  } finally {
    await store.close();
  }
}

function isMissing(store: StoreUrl): boolean {
  return store.kind === "lmdb" && !existsSync(store.path);
}

/** What a node needs beside its environment, so that it reads no configuration file again, unless that has a loader, which is code. */
function nodeArgs(
  { listen, advertise, adminPort, httpPort }: Place,
  replica: number | undefined,
  { insecure, loaderFile }: DevOptions,
  { tls }: Guards,
): string[] {
  const args = loaderFile === undefined ? ["--no-config"] : ["--config", loaderFile];
  args.push("--listen", formatHostPort(listen), "--advertise", advertise, "--admin", `127.0.0.1:${adminPort}`);
  args.push(...(httpPort === undefined ? ["--no-http"] : ["--http", `127.0.0.1:${httpPort}`]));
  if (replica !== undefined) args.push("--replica", String(replica));
  if (insecure) args.push(INSECURE_FLAG);
  if (tls?.clientCerts === true) args.push("--tls-client-certs");
  return args;
}

/** The secret, and the store with its password, go this way: other users see command lines. */
function nodeEnvironment({ settings, terminal }: CommandContext, store: StoreUrl): Record<string, string | undefined> {
  const { secret, secretFile, tls, logLevel } = settings;
  const own = {
    CAUSALMESH_STORE: storeUrlText(store),
    CAUSALMESH_SECRET: typeof secret === "string" ? secret : "",
    // The nodes read it again when it changes.
    CAUSALMESH_SECRET_FILE: secretFile ?? "",
    CAUSALMESH_TLS_CERT: tls?.paths.cert ?? "",
    CAUSALMESH_TLS_KEY: tls?.paths.key ?? "",
    CAUSALMESH_TLS_CA: tls?.paths.ca ?? "",
    CAUSALMESH_TLS_SERVER_NAME: tls?.serverName ?? "",
    CAUSALMESH_LOG_LEVEL: logLevel,
  };
  const env: Record<string, string | undefined> = { ...terminal.env, ...own };
  // These are for one node; dev has its own.
  delete env.CAUSALMESH_HTTP_KEYS;
  delete env.CAUSALMESH_HTTP_TLS_CERT;
  delete env.CAUSALMESH_HTTP_TLS_KEY;
  return env;
}

function nodeLog({ printer, terminal }: CommandContext): (line: string, number: number) => void {
  return (line, number) => {
    const text = printer.json ? line : formatLogLine(line, number, printer, terminal.stderr);
    terminal.stderr.write(`${text}\n`);
  };
}

function announce(ready: readonly NodeReady[], options: DevOptions, { printer, settings }: CommandContext): void {
  const nodes = ready.map(({ node }) => node);
  const admin = ready.map(({ admin }) => admin);
  const http = ready.flatMap((node) => node.http ?? []);
  printer.result({ ready: true, nodes, admin, ...(http.length === 0 ? {} : { http }) }, () => {
    const lines = ready.map(({ node, admin, replica, http: front }) => {
      return `  ${printer.style("cyan", node)}  replica ${replica}  admin ${admin}${front === undefined ? "" : `  HTTP ${front}`}`;
    });
    const credentials = `${settings.secret === undefined ? "" : " --secret-file FILE"}${settings.tls === undefined ? "" : " --tls-ca FILE"}`;
    const flags = `${options.port === DEFAULT_PORT ? "" : ` --url ${nodes[0]}`}${credentials}`;
    const other = nodes[nodes.length - 1];
    return [
      "",
      printer.style("bold", `The mesh is ready: ${count(nodes.length, "node")} on ${formatStoreUrl(options.store)}.`),
      "",
      ...lines,
      "",
      "Try, in another terminal:",
      `  TOKEN=$(causalmesh kv set greeting hello${flags})`,
      `  causalmesh kv get greeting --session "$TOKEN" --url ${other}${credentials}`,
      `  causalmesh cluster status --watch${flags}`,
      "",
      "Ctrl-C stops it.",
    ].join("\n");
  });
}

async function stopMesh(mesh: LocalMesh, { printer }: CommandContext, watch: StopWatch): Promise<number> {
  const reason = await watch.stopped;
  printer.note(`stopping ${count(mesh.nodes.length, "node")}${reason === "SIGINT" ? " (Ctrl-C again ends them at once)" : ""}`);
  const clean = await mesh.stop(watch.again);
  printer.note(clean ? "stopped" : "ended at once: writes that were not in the store yet may be lost");
  if (reason === "SIGINT") return EXIT.interrupted;
  return clean ? EXIT.ok : EXIT.failed;
}
