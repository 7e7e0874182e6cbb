// `causalmesh node start`: one node in this process, with its log and its admin port, until a signal.

import type { Duration, Loader, MeshError } from "@causalmesh/core";
import { limits, startNode, type RunningNode, type Store } from "@causalmesh/core";
import { tcpTransport } from "@causalmesh/transport-tcp";
import { DEFAULT_PORT, formatHostPort, parseHostPort, type HostPort } from "../address.js";
import type { Admin } from "../admin.js";
import { createContext, type CommandContext } from "../command-context.js";
import { EXIT } from "../exit-codes.js";
import { checkAdmin, checkExposure, checkHttp, dialable, type HttpSetting } from "../exposure.js";
import type { HttpFront } from "../http-front.js";
import { createLog, type Logger } from "../log.js";
import { checkWhole, parseWhole } from "../numbers.js";
import { takePorts } from "../ports.js";
import { describeError } from "../printer.js";
import { rereadSettings, type Reread } from "../reread.js";
import { resolveHttp, resolveStore, type GlobalFlags } from "../settings.js";
import { watchStop, type StopWatch } from "../stop-signal.js";
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

function resolveOptions(flags: NodeFlags, { settings, terminal }: CommandContext): NodeOptions {
  const config = settings.config.values.node ?? {};
  const listen = parseHostPort(flags.listen ?? config.listen ?? `127.0.0.1:${DEFAULT_PORT}`, "--listen");
  const advertise = flags.advertise ?? config.advertise;
  const named = flags.admin ?? config.admin ?? "127.0.0.1:0";
  const admin = named === false ? undefined : parseHostPort(named, "--admin");
  const http = resolveHttp(flags, settings, terminal);
  const insecure = flags.insecureNoAuthentication === true;
  checkNodeTls(settings.tls);
  checkExposure(listen.host, formatHostPort(listen), settings, insecure);
  if (http !== undefined) checkHttp(http, settings, insecure);
  if (admin !== undefined) checkAdmin(admin, insecure || (flags.adminNoAuthentication ?? config.adminNoAuthentication) === true);
  return {
    listen,
    advertise: advertise === undefined ? undefined : parseHostPort(advertise, "--advertise"),
    store: resolveStore(flags.store, settings, terminal),
    replica: flags.replica === undefined ? undefined : parseWhole(flags.replica, "--replica", 1, REPLICA_MAX),
    admin,
    http,
    insecure,
    cacheBytes:
      flags.cacheBytes === undefined
        ? checkWhole(config.cacheBytes ?? limits.CACHE_BYTES_DEFAULT, '"node.cacheBytes"', CACHE_BYTES_MIN, Number.MAX_SAFE_INTEGER)
        : parseWhole(flags.cacheBytes, "--cache-bytes", CACHE_BYTES_MIN, Number.MAX_SAFE_INTEGER),
    // The node checks them.
    snapshotRetention: config.snapshotRetention,
    snapshotBytes: config.snapshotBytes,
    readThrough: config.readThrough,
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

async function serve({ options, context, watch, store, address, listen, log, reread }: Serving): Promise<number> {
  const { secret, tls } = reread;
  let onFatal!: (error: Error) => void;
  const fatal = new Promise<Error>((resolve) => (onFatal = resolve));
  const { cacheBytes, snapshotRetention, snapshotBytes, readThrough, replica } = options;
  const node = await startNode({
    store,
    transport: tcpTransport({ tls }),
    address: formatHostPort(address),
    listen: formatHostPort(listen),
    replica,
    secret,
    cacheBytes,
    snapshotRetention,
    snapshotBytes,
    readThrough,
    onFatal,
    onWarning: (warning) => log.warn(warning),
    onRejoined: (joined) => log.info({ replica: joined }, "joined the mesh again"),
  });
  let ready = true;
  const admin = await openAdmin(options.admin, node, () => ready);
  let http: HttpFront | undefined;
  try {
    http = await openHttp(options, { node, listen, log, reread });
    if (reread.hasFiles || options.http?.keysFile !== undefined) {
      watch.onHangup(() => {
        reread.look();
        void http?.reloadApiKeys();
      });
    }
    log.info({ replica: node.replica, store: formatStoreUrl(options.store), admin: admin?.url, http: http?.url, process: process.pid }, "listening");
    await announce({ options, context, node, admin, http });
    const reason = await Promise.race([watch.stopped, fatal]);
    ready = false;
    if (reason instanceof Error) {
      log.fatal({ err: reason }, "the node cannot go on");
      throw reason;
    }
    log.info({ reason }, "stopping");
    await Promise.race([http?.close(), watch.again]);
    return await stop(node, watch, log);
  } finally {
    await http?.close();
    await admin?.close();
  }
}

async function openAdmin(address: HostPort | undefined, node: RunningNode, ready: () => boolean): Promise<Admin | undefined> {
  if (address === undefined) return undefined;
  try {
    const { startAdmin } = await import("../admin.js");
    return await startAdmin({ address, status: () => node.status(), ready });
  } catch (error) {
    await node.close();
    throw error;
  }
}

/** The front is a client of this very node, and of the others where that cannot answer. */
async function openHttp(
  { http, insecure }: NodeOptions,
  serving: { node: RunningNode; listen: HostPort; log: Logger; reread: Reread },
): Promise<HttpFront | undefined> {
  if (http === undefined) return undefined;
  const { node, listen, log, reread } = serving;
  const { secret, tls } = reread;
  try {
    const { startHttpFront } = await import("../http-front.js");
    // Where there is TLS, at the address that its certificate is for.
    const beside = tls === undefined ? formatHostPort(dialable(listen)) : node.address;
    const front = await startHttpFront({ ...http, node: beside, secret, meshTls: tls, insecure, log });
    if (http.tls !== undefined) reread.add(() => front.lookAtTls());
    return front;
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
  admin: Admin | undefined;
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

/** Flushes and ends, or ends at once at a second signal. */
async function stop(node: RunningNode, watch: StopWatch, log: Logger): Promise<number> {
  const closed = await Promise.race([node.close().then(() => true), watch.again.then(() => false)]);
  if (closed) {
    log.info("stopped");
    return EXIT.ok;
  }
  log.warn({ log: node.status().log }, "ended at once: writes that were not in the store yet may be lost");
  // What is still under way would keep the process alive; the user has said twice that it should not.
  process.exit(EXIT.interrupted);
}
