// Every setting with the place that it comes from, for `config show`. The names are those of the configuration file, whose shape is the list. What wins over
// what is decided in settings.ts; a test holds this to it.

import { SHAPE, type Shape } from "./config-file.js";
import { DEFAULTS } from "./defaults.js";
import type { GlobalFlags, Settings } from "./settings.js";
import { formatStoreUrl, parseStoreUrl } from "./store-url.js";
import type { Terminal } from "./terminal.js";

export interface SettingOrigin {
  /** As in the configuration file: `node.listen`. */
  readonly name: string;
  /** As it was given; undefined where it is not set. A secret says only that it is set. */
  readonly value: unknown;
  /** `--url`, `CAUSALMESH_URL`, the file's path, or `default`. */
  readonly origin: string;
}

interface Sources {
  readonly flag?: keyof GlobalFlags;
  readonly env?: string;
}

/** What can be said elsewhere than in the file. Flags of single commands (`node start --listen`) are left out: `config show` does not get them. */
const SOURCES: Readonly<Record<string, Sources>> = {
  url: { flag: "url", env: "CAUSALMESH_URL" },
  secret: { flag: "secret", env: "CAUSALMESH_SECRET" },
  secretFile: { flag: "secretFile", env: "CAUSALMESH_SECRET_FILE" },
  store: { env: "CAUSALMESH_STORE" },
  namespace: { flag: "namespace", env: "CAUSALMESH_NAMESPACE" },
  logLevel: { env: "CAUSALMESH_LOG_LEVEL" },
  timeout: { flag: "timeout" },
  apiKeyFile: { flag: "apiKeyFile", env: "CAUSALMESH_API_KEY" },
  "tls.cert": { flag: "tlsCert", env: "CAUSALMESH_TLS_CERT" },
  "tls.key": { flag: "tlsKey", env: "CAUSALMESH_TLS_KEY" },
  "tls.ca": { flag: "tlsCa", env: "CAUSALMESH_TLS_CA" },
  "tls.serverName": { flag: "tlsServerName", env: "CAUSALMESH_TLS_SERVER_NAME" },
  "node.listen": { env: "CAUSALMESH_LISTEN" },
  "node.advertise": { env: "CAUSALMESH_ADVERTISE" },
  "node.admin": { env: "CAUSALMESH_ADMIN" },
  "node.cacheBytes": { env: "CAUSALMESH_CACHE_BYTES" },
  "node.grace": { env: "CAUSALMESH_GRACE" },
  "node.monitor": { env: "CAUSALMESH_MONITOR" },
  "node.http": { env: "CAUSALMESH_HTTP" },
  "node.httpKeys": { env: "CAUSALMESH_HTTP_KEYS" },
};

export function settingOrigins(flags: GlobalFlags, { config, logLevel }: Settings, terminal: Terminal): SettingOrigin[] {
  const found = namesOf(SHAPE).map((name) => look(name, flags, config, terminal));
  const levelFlag = flags.verbose === true ? "--verbose" : flags.quiet === true ? "--quiet" : undefined;
  return onlyOneSecret(found).map((setting) => {
    if (setting.name === "logLevel" && levelFlag !== undefined) return { name: setting.name, value: logLevel, origin: levelFlag };
    return { ...setting, value: shown(setting, terminal.cwd) };
  });
}

function look(name: string, flags: GlobalFlags, { values, path }: Settings["config"], terminal: Terminal): SettingOrigin {
  const { flag, env } = SOURCES[name] ?? {};
  if (flag !== undefined && flags[flag] !== undefined)
    return { name, value: flags[flag], origin: `--${flag.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}` };
  if (env !== undefined && (terminal.env[env] ?? "") !== "") return { name, value: terminal.env[env], origin: env };
  const fromFile = name.split(".").reduce<unknown>((at, part) => (at as Record<string, unknown> | undefined)?.[part], values);
  if (fromFile !== undefined) return { name, value: fromFile, origin: path! };
  return { name, value: (DEFAULTS as Record<string, unknown>)[name], origin: "default" };
}

/** The secret and its file are one setting: where both are named, the place that comes first decides. */
function onlyOneSecret(settings: readonly SettingOrigin[]): SettingOrigin[] {
  const rank = ({ value, origin }: SettingOrigin): number => (value === undefined ? 3 : origin.startsWith("--") ? 0 : origin.startsWith("CAUSALMESH_") ? 1 : 2);
  const [secret, file] = ["secret", "secretFile"].map((name) => settings.find((setting) => setting.name === name)!);
  const loser = rank(secret) < rank(file) ? file : secret;
  return settings.map((setting) => (setting === loser ? { name: setting.name, value: undefined, origin: "default" } : setting));
}

function shown({ name, value, origin }: SettingOrigin, folder: string): unknown {
  if (value === undefined) return undefined;
  // The environment has the key itself, and not a file.
  if (name === "secret" || origin === "CAUSALMESH_API_KEY") return "(set)";
  if (name === "store") return formatStoreUrl(parseStoreUrl(value as string, folder));
  return typeof value === "object" && !Array.isArray(value) ? "(a loader)" : value;
}

function namesOf(shape: Shape, prefix = ""): string[] {
  return Object.entries(shape).flatMap(([name, kind]) => (typeof kind === "object" ? namesOf(kind, `${prefix}${name}.`) : [prefix + name]));
}
