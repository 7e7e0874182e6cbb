// Where a command's settings come from: flag, then environment, then configuration file, then default. Decided here and
// nowhere else.

import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { MeshError, type SecretSource } from "@causalmesh/core";
import { parseHostPort, parseNodeUrl, type NodeUrl } from "./address.js";
import { loadConfig, type LoadedConfig } from "./config-file.js";
import { DEFAULT_PORT, DEFAULTS } from "./defaults.js";
import type { HttpSetting } from "./exposure.js";
import { parseTime } from "./numbers.js";
import { resolveSecret } from "./secret.js";
import { parseStoreUrl, type StoreUrl } from "./store-url.js";
import type { Terminal } from "./terminal.js";
import { resolveTls, type TlsFlags, type TlsSetting } from "./tls.js";

export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** The flags that every command takes, as commander hands them over. */
export interface GlobalFlags extends TlsFlags {
  readonly json?: boolean;
  readonly url?: string;
  /** False after `--no-config`. */
  readonly config?: string | false;
  readonly timeout?: string;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
  /** False after `--no-color`. */
  readonly color?: boolean;
  readonly secret?: string;
  readonly secretFile?: string;
  readonly apiKeyFile?: string;
  readonly namespace?: string;
}

export interface Settings {
  /** Addresses of nodes, `host:port`, or URLs of HTTP fronts. */
  readonly nodes: readonly string[];
  readonly isHttp: boolean;
  /** For an HTTP front. */
  readonly apiKey: string | undefined;
  /** Undefined: no TLS. */
  readonly tls: TlsSetting | undefined;
  readonly timeoutMs: number;
  readonly secret: SecretSource | undefined;
  /** The file that the secret is read from, as an absolute path. */
  readonly secretFile: string | undefined;
  readonly namespace: string | undefined;
  readonly logLevel: LogLevel;
  readonly config: LoadedConfig;
}

export async function resolveSettings(flags: GlobalFlags, terminal: Terminal): Promise<Settings> {
  const config = await loadConfig(flags.config, terminal.cwd);
  const env = (name: string): string | undefined => environment(terminal, name);
  const { nodes, scheme } = resolveNodes(flags, terminal, config);
  return {
    nodes,
    isHttp: scheme === "http",
    apiKey: resolveApiKey(flags, terminal, config),
    tls: checkTls(
      scheme,
      resolveTls([
        { ...flags, folder: terminal.cwd },
        {
          tlsCert: env("CAUSALMESH_TLS_CERT"),
          tlsKey: env("CAUSALMESH_TLS_KEY"),
          tlsCa: env("CAUSALMESH_TLS_CA"),
          tlsServerName: env("CAUSALMESH_TLS_SERVER_NAME"),
          tlsClientCerts: resolveSwitch(flags.tlsClientCerts, "CAUSALMESH_TLS_CLIENT_CERTS", config.values.tls?.clientCerts, terminal),
          folder: terminal.cwd,
        },
        {
          tlsCert: config.values.tls?.cert,
          tlsKey: config.values.tls?.key,
          tlsCa: config.values.tls?.ca,
          tlsServerName: config.values.tls?.serverName,
          folder: config.folder,
        },
      ]),
    ),
    timeoutMs: resolveTimeout(flags, config),
    ...resolveSecret([
      { secret: flags.secret, file: flags.secretFile, names: ["--secret", "--secret-file"], folder: terminal.cwd },
      {
        secret: env("CAUSALMESH_SECRET"),
        file: env("CAUSALMESH_SECRET_FILE"),
        names: ["CAUSALMESH_SECRET", "CAUSALMESH_SECRET_FILE"],
        folder: terminal.cwd,
      },
      { secret: config.values.secret, file: config.values.secretFile, names: ['"secret"', '"secretFile"'], folder: config.folder },
    ]),
    namespace: flags.namespace ?? env("CAUSALMESH_NAMESPACE") ?? config.values.namespace,
    logLevel: resolveLogLevel(flags, terminal, config),
    config,
  };
}

/** The store that a node works on; `fallback` where none is named, or an error where there is no fallback. */
export function resolveStore(flag: string | undefined, settings: Settings, terminal: Terminal, fallback?: string): StoreUrl {
  if (flag !== undefined) return parseStoreUrl(flag, terminal.cwd);
  const fromEnvironment = environment(terminal, "CAUSALMESH_STORE");
  if (fromEnvironment !== undefined) return parseStoreUrl(fromEnvironment, terminal.cwd);
  const { values, folder } = settings.config;
  if (values.store !== undefined) return parseStoreUrl(values.store, folder);
  if (fallback !== undefined) return parseStoreUrl(fallback, terminal.cwd);
  throw new MeshError("OPTION_INVALID", "which store? Name it with --store or CAUSALMESH_STORE, such as lmdb:./data or postgres://user@host/database");
}

/** The store that is named anywhere; undefined where none is. */
export function namedStore(flag: string | undefined, settings: Settings, terminal: Terminal): StoreUrl | undefined {
  const isNamed = flag !== undefined || environment(terminal, "CAUSALMESH_STORE") !== undefined || settings.config.values.store !== undefined;
  return isNamed ? resolveStore(flag, settings, terminal) : undefined;
}

/** Where a node serves HTTP, and the files with API keys and certificate; undefined where it does not. */
export function resolveHttp(
  flags: { readonly http?: string | false; readonly httpKeys?: string; readonly httpTlsCert?: string; readonly httpTlsKey?: string },
  settings: Settings,
  terminal: Terminal,
): HttpSetting | undefined {
  if (flags.http === false) return undefined;
  const { values, folder } = settings.config;
  const { node = {} } = values;
  const address = flags.http ?? environment(terminal, "CAUSALMESH_HTTP") ?? node.http;
  const file = (flag: string | undefined, variable: string, entry: string | undefined): string | undefined => {
    const named = flag ?? environment(terminal, variable);
    return named !== undefined ? resolve(terminal.cwd, named) : entry === undefined ? undefined : resolve(folder, entry);
  };
  const keysFile = file(flags.httpKeys, "CAUSALMESH_HTTP_KEYS", node.httpKeys);
  const cert = file(flags.httpTlsCert, "CAUSALMESH_HTTP_TLS_CERT", node.httpTlsCert);
  const key = file(flags.httpTlsKey, "CAUSALMESH_HTTP_TLS_KEY", node.httpTlsKey);
  if ((cert === undefined) !== (key === undefined)) throw new MeshError("OPTION_INVALID", "--http-tls-cert and --http-tls-key belong together; give both");
  if (address !== undefined) return { address: parseHostPort(address, "--http"), keysFile, tls: cert === undefined ? undefined : { cert, key } };
  if (flags.httpKeys !== undefined)
    throw new MeshError("OPTION_INVALID", "--http-keys says who may use the HTTP front, but there is none: give --http HOST:PORT");
  return undefined;
}

/** The key for an HTTP front; never from a flag, as other users see command lines. */
function resolveApiKey(flags: GlobalFlags, terminal: Terminal, config: LoadedConfig): string | undefined {
  if (flags.apiKeyFile !== undefined) return readLine(resolve(terminal.cwd, flags.apiKeyFile), "--api-key-file");
  const fromEnvironment = environment(terminal, "CAUSALMESH_API_KEY");
  if (fromEnvironment !== undefined) return fromEnvironment;
  const { apiKeyFile } = config.values;
  return apiKeyFile === undefined ? undefined : readLine(resolve(config.folder, apiKeyFile), '"apiKeyFile"');
}

function readLine(path: string, name: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch (error) {
    throw new MeshError("OPTION_INVALID", `${name} ${path} cannot be read: ${(error as Error).message}`, { cause: error });
  }
}

/** An environment variable; empty counts as unset, as shells and container files make it hard to tell the two apart. */
export function environment(terminal: Terminal, name: string): string | undefined {
  const value = terminal.env[name];
  return value === "" ? undefined : value;
}

/** TLS where an address says so, or where there are certificates; a URL that says the opposite of the rest is refused. */
function checkTls(scheme: NodeUrl["scheme"], tls: TlsSetting | undefined): TlsSetting | undefined {
  if (scheme === "mesh" && tls !== undefined)
    throw new MeshError("ADDRESS_INVALID", "a URL says mesh://, without TLS, and there are certificates: write meshs://");
  return scheme === "meshs" ? (tls ?? { paths: {}, serverName: undefined, clientCerts: false }) : tls;
}

interface Nodes {
  readonly nodes: string[];
  readonly scheme: NodeUrl["scheme"];
}

/** A setting that is on or off: a flag that was given, a variable (1 or true, 0 or false), an entry of the configuration file. */
export function resolveSwitch(flag: boolean | undefined, variable: string, entry: boolean | undefined, terminal: Terminal): boolean {
  if (flag !== undefined) return flag;
  const text = environment(terminal, variable)?.toLowerCase();
  if (text === undefined) return entry === true;
  if (["1", "true", "0", "false"].includes(text)) return text === "1" || text === "true";
  throw new MeshError("OPTION_INVALID", `${variable} is ${JSON.stringify(text)}; it must be 1 or 0`);
}

function resolveNodes(flags: GlobalFlags, terminal: Terminal, config: LoadedConfig): Nodes {
  if (flags.url !== undefined) return parseUrls(flags.url.split(","), "--url");
  const fromEnvironment = environment(terminal, "CAUSALMESH_URL");
  if (fromEnvironment !== undefined) return parseUrls(fromEnvironment.split(","), "CAUSALMESH_URL");
  const { url } = config.values;
  if (url !== undefined) return parseUrls(typeof url === "string" ? url.split(",") : url, '"url"');
  return { nodes: [`127.0.0.1:${DEFAULT_PORT}`], scheme: undefined };
}

function parseUrls(urls: readonly string[], option: string): Nodes {
  const given = urls.map((url) => url.trim()).filter((url) => url !== "");
  if (given.length === 0) throw new MeshError("ADDRESS_INVALID", `${option} names no node; write mesh://host:port, several with commas`);
  const parsed = given.map((url) => parseNodeUrl(url, option));
  // An address without a scheme is a node's, like the others.
  const schemes = new Set(parsed.map(({ scheme }) => scheme));
  if (!schemes.has("http")) schemes.delete(undefined);
  if (schemes.size > 1) throw new MeshError("ADDRESS_INVALID", `${option} mixes nodes with TLS, nodes without, and HTTP fronts; give URLs of one kind`);
  return { nodes: [...new Set(parsed.map(({ address }) => address))], scheme: [...schemes][0] };
}

function resolveTimeout(flags: GlobalFlags, config: LoadedConfig): number {
  if (flags.timeout !== undefined) return parseTime(flags.timeout, "--timeout");
  if (config.values.timeout !== undefined) return parseTime(String(config.values.timeout), '"timeout"');
  return DEFAULTS.timeout;
}

function resolveLogLevel(flags: GlobalFlags, terminal: Terminal, config: LoadedConfig): LogLevel {
  if (flags.verbose === true) return "debug";
  if (flags.quiet === true) return "warn";
  const fromEnvironment = environment(terminal, "CAUSALMESH_LOG_LEVEL");
  const level = fromEnvironment ?? config.values.logLevel ?? DEFAULTS.logLevel;
  if ((LOG_LEVELS as readonly string[]).includes(level)) return level as LogLevel;
  const name = fromEnvironment === undefined ? '"logLevel"' : "CAUSALMESH_LOG_LEVEL";
  throw new MeshError("OPTION_INVALID", `${name} is ${JSON.stringify(level)}; it must be one of ${LOG_LEVELS.join(", ")}`);
}
