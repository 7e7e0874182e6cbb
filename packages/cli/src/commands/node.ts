// `causalmesh node start`: one node in this process, with its log and its admin port, until a signal.

import { setTimeout as sleep } from "node:timers/promises";
import type { Duration, Loader, MeshError } from "@causalmesh/core";
import { startNode, VERSION, type RunningNode, type Store } from "@causalmesh/core";
import { tcpTransport } from "@causalmesh/transport-tcp";
import { formatHostPort, parseHostPort, type HostPort } from "../address.js";
import type { SmallServer } from "../small-server.js";
import { createContext, type CommandContext } from "../command-context.js";
import { DEFAULTS } from "../defaults.js";
import { EXIT } from "../exit-codes.js";
import { checkAdmin, checkExposure, checkHttp, dialable, type HttpSetting } from "../exposure.js";
import type { HttpFront } from "../http-front.js";
import { createLog, type Logger } from "../log.js";
import type { Canary } from "../monitor/canary.js";
import { checkMonitorUrl } from "../monitor/monitor-url.js";
import { nodeEvents } from "../node-events.js";
import { checkWhole, parseTime, parseWhole } from "../numbers.js";
import { takePorts } from "../ports.js";
import { describeError } from "../printer.js";
import { rereadSettings, type Reread } from "../reread.js";
import { environment, resolveHttp, resolveStore, resolveSwitch, type GlobalFlags } from "../settings.js";
import { watchStop, type StopReason, type StopWatch } from "../stop-signal.js";
import { formatStoreUrl, openStore, type StoreUrl } from "../store-url.js";
import { report } from "../supervision.js";
import type { Terminal } from "../terminal.js";
import { checkNodeTls } from "../tls.js";

export interface NodeFlags extends GlobalFlags {
  readonly listen?: string;
  readonly advertise?: string;
  readonly store?: string;
  readonly replica?: string;
  /** False after `--no-admin`. */
  readonly admin?: string | false;
  /** False after `--no-http`. */
  readonly http?: string | false;
  readonly httpKeys?: string;
  readonly httpTlsCert?: string;
  readonly httpTlsKey?: string;
  readonly cacheBytes?: string;
  readonly grace?: string;
  readonly monitor?: string;
  readonly insecureNoAuthentication?: boolean;
  readonly adminNoAuthentication?: boolean;
  readonly supervised?: boolean;
}

interface NodeOptions {
  readonly listen: HostPort;
  readonly advertise: HostPort | undefined;
  readonly store: StoreUrl;
  readonly replica: number | undefined;
  readonly admin: HostPort | undefined;
  readonly http: HttpSetting | undefined;
  readonly insecure: boolean;
  readonly cacheBytes: number;
  readonly snapshotRetention: Duration | undefined;
  readonly snapshotBytes: number | undefined;
  readonly readThrough: Loader | undefined;
  readonly graceMs: number;
  /** The URL of the monitor of a canary; undefined for no canary. */
  readonly monitor: string | undefined;
  readonly supervised: boolean;
}

const REPLICA_MAX = 0xff_ff_ff_ff;
/** A cache below this holds too little to be worth a process. */
const CACHE_BYTES_MIN = 1024 * 1024;

export async function nodeStart(flags: NodeFlags, terminal: Terminal): Promise<number> {
  const watch = watchStop(flags.supervised === true);
  try {
    const context = await createContext(flags, terminal);
    return await runNode(resolveOptions(flags, context), context, watch);
  } catch (error) {
    if (flags.supervised === true) {
      const { code, message } = describeError(error);
      await report({ type: "failed", code: code as MeshError["code"], message });
      return EXIT.failed;
    }
    throw error;
  } finally {
    watch.end();
    // The supervisor's channel would keep this process alive; a channel of somebody else's is theirs to end.
    if (flags.supervised === true && process.connected) process.disconnect();
  }
}

/** Throws OPTION_INVALID or ADDRESS_INVALID. */
export function resolveOptions(flags: NodeFlags, { settings, terminal }: CommandContext): NodeOptions {
  const config = settings.config.values.node ?? {};
  const env = (name: string): string | undefined => environment(terminal, name);
  const listen = parseHostPort(flags.listen ?? env("CAUSALMESH_LISTEN") ?? config.listen ?? DEFAULTS["node.listen"], "--listen");
  const advertise = flags.advertise ?? env("CAUSALMESH_ADVERTISE") ?? config.advertise;
  const named = flags.admin ?? env("CAUSALMESH_ADMIN") ?? config.admin ?? DEFAULTS["node.admin"];
  const admin = named === false ? undefined : parseHostPort(named, "--admin");
  const cacheBytes = flags.cacheBytes ?? env("CAUSALMESH_CACHE_BYTES");
  const grace = flags.grace ?? env("CAUSALMESH_GRACE");
  const http = resolveHttp(flags, settings, terminal);
  const insecure = flags.insecureNoAuthentication === true;
  checkNodeTls(settings.tls);
  checkExposure(listen.host, formatHostPort(listen), settings, insecure);
  if (http !== undefined) checkHttp(http, settings, insecure);
  if (admin !== undefined)
    checkAdmin(admin, insecure || resolveSwitch(flags.adminNoAuthentication, "CAUSALMESH_ADMIN_NO_AUTHENTICATION", config.adminNoAuthentication, terminal));
  return {
    listen,
    advertise: advertise === undefined ? undefined : parseHostPort(advertise, "--advertise"),
    store: resolveStore(flags.store, settings, terminal),
    replica: flags.replica === undefined ? undefined : parseWhole(flags.replica, "--replica", 1, REPLICA_MAX),
    admin,
    http,
    insecure,
    cacheBytes:
      cacheBytes === undefined
        ? checkWhole(config.cacheBytes ?? DEFAULTS["node.cacheBytes"], '"node.cacheBytes"', CACHE_BYTES_MIN, Number.MAX_SAFE_INTEGER)
        : parseWhole(cacheBytes, "--cache-bytes", CACHE_BYTES_MIN, Number.MAX_SAFE_INTEGER),
    // The node checks them.
    snapshotRetention: config.snapshotRetention,
    snapshotBytes: config.snapshotBytes,
    readThrough: config.readThrough,
    graceMs: parseTime(grace ?? String(config.grace ?? DEFAULTS["node.grace"]), grace === undefined ? '"node.grace"' : "--grace"),
    monitor: checkMonitorUrl(flags.monitor ?? env("CAUSALMESH_MONITOR") ?? config.monitor),
    supervised: flags.supervised === true,
  };
}

async function runNode(options: NodeOptions, context: CommandContext, watch: StopWatch): Promise<number> {
  const listen = await withPort(options.listen);
  const store = await openStore(options.store);
  try {
    const address = options.advertise ?? dialable(listen);
    const log = createLog(context.settings.logLevel, { address: formatHostPort(address) });
    const reread = rereadSettings(context.settings, log);
    try {
      return await serve({ options, context, watch, store, address, listen, log, reread });
    } finally {
      reread.end();
    }
  } finally {
    await store.close();
  }
}

/** The address stands in the view before the node listens, so "any free port" becomes one here. */
async function withPort(listen: HostPort): Promise<HostPort> {
  if (listen.port !== 0) return listen;
  const [port] = await takePorts(listen.host, 0, 1, "--listen");
  return { host: listen.host, port };
}

interface Serving {
  readonly options: NodeOptions;
  readonly context: CommandContext;
  readonly watch: StopWatch;
  readonly store: Store;
  /** Where others reach it, and where it listens. */
  readonly address: HostPort;
  readonly listen: HostPort;
  readonly log: Logger;
  readonly reread: Reread;
}

async function serve(serving: Serving): Promise<number> {
  const { options, context, watch, listen, log, reread } = serving;
  let onFatal!: (error: Error) => void;
  const fatal = new Promise<Error>((resolve) => (onFatal = resolve));
  log.info({ version: VERSION, store: formatStoreUrl(options.store), process: process.pid }, "starting");
  const node = await startUnlessStopped(serving, onFatal);
  if (node === undefined) return EXIT.ok;
  let isStopping = false;
  const admin = await openAdmin(options.admin, node, () => isStopping);
  let http: HttpFront | undefined;
  let canary: Canary | undefined;
  try {
    http = await openHttp(options, { node, listen, log, reread });
    canary = await openCanary(options, { node, listen, log, reread });
    if (reread.hasFiles || options.http?.keysFile !== undefined) {
      watch.onHangup(() => {
        reread.look();
        void http?.reloadApiKeys();
      });
    }
    const { replica, epoch, ring } = node.status();
    log.info({ replica, epoch, members: ring.map((member) => member.address), admin: admin?.url, http: http?.url }, "listening");
    await announce({ options, context, node, admin, http });
    const reason = await Promise.race([watch.stopped, fatal]);
    isStopping = true;
    await canary?.close();
    if (reason instanceof Error) {
      log.fatal({ err: reason }, "the node cannot go on");
      throw reason;
    }
    return await stop({ node, http, watch, log, reason, graceMs: options.graceMs });
  } finally {
    await canary?.close();
    await http?.close();
    await admin?.close();
  }
}

/** undefined where it was told to stop before it served: also a node that waits for a mesh which is down stops at once. */
async function startUnlessStopped({ options, watch, store, address, listen, log, reread }: Serving, onFatal: (error: Error) => void) {
  const stopped = new AbortController();
  let isStarting = true;
  void watch.stopped.then(() => stopped.abort());
  void watch.again.then(() => (isStarting ? endAtOnce(log, 0) : undefined));
  const { cacheBytes, snapshotRetention, snapshotBytes, readThrough, replica } = options;
  try {
    return await startNode({
      store,
      transport: tcpTransport({ tls: reread.tls, onWarning: (warning) => log.warn(warning) }),
      address: formatHostPort(address),
      listen: formatHostPort(listen),
      replica,
      secret: reread.secret,
      cacheBytes,
      snapshotRetention,
      snapshotBytes,
      readThrough,
      signal: stopped.signal,
      onFatal,
      onWarning: (warning) => log.warn(warning),
      onRejoined: (joined) => log.info({ replica: joined }, "joined the mesh again"),
      onEvent: nodeEvents(log),
      onDrain: () => watch.stop("operator"),
    });
  } catch (error) {
    if (!stopped.signal.aborted) throw error;
    log.info({ reason: await watch.stopped }, "stopped before it served anybody");
    return undefined;
  } finally {
    isStarting = false;
  }
}

async function openAdmin(address: HostPort | undefined, node: RunningNode, isStopping: () => boolean): Promise<SmallServer | undefined> {
  if (address === undefined) return undefined;
  try {
    const { startAdmin } = await import("../admin.js");
    return await startAdmin({ address, node, isStopping });
  } catch (error) {
    await node.close();
    throw error;
  }
}

interface Beside {
  readonly node: RunningNode;
  readonly listen: HostPort;
  readonly log: Logger;
  readonly reread: Reread;
}

/** Where a client in this process reaches the node: where there is TLS, at the address that its certificate is for. */
function ownAddress({ node, listen, reread }: Beside): string {
  return reread.tls === undefined ? formatHostPort(dialable(listen)) : node.address;
}

/** The front is a client of this very node, and of the others where that cannot answer. */
async function openHttp({ http, insecure }: NodeOptions, beside: Beside): Promise<HttpFront | undefined> {
  if (http === undefined) return undefined;
  const { node, log, reread } = beside;
  try {
    const { startHttpFront } = await import("../http-front.js");
    const front = await startHttpFront({ ...http, node: ownAddress(beside), secret: reread.secret, meshTls: reread.tls, insecure, log });
    if (http.tls !== undefined) reread.add(() => front.lookAtTls());
    return front;
  } catch (error) {
    await node.close();
    throw error;
  }
}

async function openCanary({ monitor: url }: NodeOptions, beside: Beside): Promise<Canary | undefined> {
  if (url === undefined) return undefined;
  const { node, log, reread } = beside;
  try {
    const { startCanary } = await import("../monitor/canary.js");
    const members = (): string[] => node.status().ring.map(({ address }) => address);
    return await startCanary({ url, node: ownAddress(beside), members, secret: reread.secret, tls: reread.tls, log });
  } catch (error) {
    await node.close();
    throw error;
  }
}

async function announce({
  options,
  context,
  node,
  admin,
  http,
}: {
  options: NodeOptions;
  context: CommandContext;
  node: RunningNode;
  admin: SmallServer | undefined;
  http: HttpFront | undefined;
}): Promise<void> {
  const url = `${context.settings.tls === undefined ? "mesh" : "meshs"}://${node.address}`;
  if (options.supervised) return report({ type: "ready", replica: node.replica, node: url, admin: admin?.url, http: http?.url });
  const { printer } = context;
  const fronts = http === undefined ? {} : { http: [http.url] };
  printer.result({ ready: true, nodes: [url], admin: admin === undefined ? [] : [admin.url], ...fronts }, () => {
    const adminText = admin === undefined ? "" : `, admin ${admin.url}`;
    return `The node is ready: ${printer.style("cyan", url)}, replica ${node.replica}${adminText}${http === undefined ? "" : `, HTTP ${http.url}`}. SIGTERM stops it.`;
  });
}

interface Stopping {
  readonly node: RunningNode;
  readonly http: HttpFront | undefined;
  readonly watch: StopWatch;
  readonly log: Logger;
  readonly reason: StopReason;
  readonly graceMs: number;
}

/** Time beyond the grace period in which a node that has given up says so itself. */
const GRACE_MARGIN_MS = 500;

/** Hands over, leaves and ends; at once at a second signal, and when the grace period is over. */
async function stop({ node, http, watch, log, reason, graceMs }: Stopping): Promise<number> {
  const { log: writes, flushLagMs } = node.status();
  log.info({ reason, graceMs, log: writes, flushLagMs }, "draining");
  const begin = performance.now();
  void watch.again.then(() => endAtOnce(log, node.status().log));
  const late = setTimeout(() => endAtOnce(log, node.status().log, EXIT.failed), graceMs + GRACE_MARGIN_MS);
  try {
    // What is under way over HTTP is answered first, if it does not take half of the time.
    await Promise.race([http?.close(), sleep(graceMs / 2, undefined, { ref: false })]);
    await node.close({ graceMs: Math.max(1, graceMs - (performance.now() - begin)) });
  } finally {
    clearTimeout(late);
  }
  log.info({ ms: Math.round(performance.now() - begin) }, "stopped");
  return EXIT.ok;
}

/** What is still under way would keep the process alive. */
function endAtOnce(log: Logger, writes: number, exitCode: number = EXIT.interrupted): never {
  const why = exitCode === EXIT.interrupted ? "a second signal" : "the grace period is over";
  log.warn({ log: writes, why }, "ended at once: writes that were not in the store yet may be lost");
  process.exit(exitCode);
}
