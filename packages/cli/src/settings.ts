// Where a command's settings come from: flag, then environment, then configuration file, then default. Decided here and
// nowhere else.

import { resolve } from "node:path";
import { MeshError } from "@causalmesh/core";
import { parseHostPort, parseNodeUrl } from "./address.js";
import { loadConfig, type LoadedConfig } from "./config-file.js";
import { DEFAULTS } from "./defaults.js";
import type { HttpSetting } from "./exposure.js";
import { parseTime } from "./numbers.js";
import { resolveSecret } from "./secret.js";
import { parseStoreUrl, type StoreUrl } from "./store-url.js";
import type { Terminal } from "./terminal.js";

export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** The flags that every command takes, as commander hands them over. */
export interface GlobalFlags {
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
  readonly namespace?: string;
}

export interface Settings {
  /** Addresses, `host:port`. */
  readonly nodes: readonly string[];
  readonly timeoutMs: number;
  readonly secret: string | undefined;
  readonly namespace: string | undefined;
  readonly logLevel: LogLevel;
  readonly config: LoadedConfig;
}

export async function resolveSettings(flags: GlobalFlags, terminal: Terminal): Promise<Settings> {
  const config = await loadConfig(flags.config, terminal.cwd);
  const env = (name: string): string | undefined => environment(terminal, name);
  return {
    nodes: resolveNodes(flags, terminal, config),
    timeoutMs: resolveTimeout(flags, config),
    secret: resolveSecret([
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

/** Where a node serves HTTP, and the file with the API keys; undefined where it does not. */
export function resolveHttp(
  flags: { readonly http?: string | false; readonly httpKeys?: string },
  settings: Settings,
  terminal: Terminal,
): HttpSetting | undefined {
  if (flags.http === false) return undefined;
  const { values, folder } = settings.config;
  const address = flags.http ?? environment(terminal, "CAUSALMESH_HTTP") ?? values.node?.http;
  const named = flags.httpKeys ?? environment(terminal, "CAUSALMESH_HTTP_KEYS");
  const keysFile = named !== undefined ? resolve(terminal.cwd, named) : values.node?.httpKeys === undefined ? undefined : resolve(folder, values.node.httpKeys);
  if (address !== undefined) return { address: parseHostPort(address, "--http"), keysFile };
  if (flags.httpKeys !== undefined)
    throw new MeshError("OPTION_INVALID", "--http-keys says who may use the HTTP front, but there is none: give --http HOST:PORT");
  return undefined;
}

/** An environment variable; empty counts as unset, as shells and container files make it hard to tell the two apart. */
export function environment(terminal: Terminal, name: string): string | undefined {
  const value = terminal.env[name];
  return value === "" ? undefined : value;
}

function resolveNodes(flags: GlobalFlags, terminal: Terminal, config: LoadedConfig): string[] {
  if (flags.url !== undefined) return parseUrls(flags.url.split(","), "--url");
  const fromEnvironment = environment(terminal, "CAUSALMESH_URL");
  if (fromEnvironment !== undefined) return parseUrls(fromEnvironment.split(","), "CAUSALMESH_URL");
  const { url } = config.values;
  if (url !== undefined) return parseUrls(typeof url === "string" ? url.split(",") : url, '"url"');
  return parseUrls([DEFAULTS.url], "url");
}

function parseUrls(urls: readonly string[], option: string): string[] {
  const addresses = urls.map((url) => url.trim()).filter((url) => url !== "");
  if (addresses.length === 0) throw new MeshError("ADDRESS_INVALID", `${option} names no node; write mesh://host:port, several with commas`);
  return [...new Set(addresses.map((url) => parseNodeUrl(url, option)))];
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
