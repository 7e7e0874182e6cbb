// Finds, loads and checks the configuration file. What comes from it is outside input, so each entry is checked here, once,
// with the file's name in the message.

import { existsSync, readFileSync } from "node:fs";
import { dirname, extname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { MeshError } from "@causalmesh/core";
import type { CausalMeshConfig } from "./config-types.js";

export const CONFIG_FILE_NAMES = ["causalmesh.config.mjs", "causalmesh.config.js", "causalmesh.config.json"] as const;

export interface LoadedConfig {
  readonly values: CausalMeshConfig;
  /** The file, or undefined where there is none. */
  readonly path: string | undefined;
  /** Where relative paths in `values` begin. */
  readonly folder: string;
}

type Kind = "string" | "number" | "boolean" | "loader (readThrough of @causalmesh/core)" | "string or number" | "string or list of strings" | Shape;
export interface Shape {
  readonly [key: string]: Kind;
}

/** What may stand in a file. */
export const SHAPE: Shape = {
  url: "string or list of strings",
  secret: "string",
  secretFile: "string",
  apiKeyFile: "string",
  tls: { cert: "string", key: "string", ca: "string", serverName: "string", clientCerts: "boolean" },
  store: "string",
  namespace: "string",
  logLevel: "string",
  timeout: "string or number",
  dev: { nodes: "number", host: "string", port: "number", adminPort: "number", httpPort: "number" },
  node: {
    listen: "string",
    advertise: "string",
    admin: "string",
    adminNoAuthentication: "boolean",
    http: "string",
    httpKeys: "string",
    httpTlsCert: "string",
    httpTlsKey: "string",
    cacheBytes: "number",
    grace: "string or number",
    monitor: "string",
    snapshotRetention: "string or number",
    snapshotBytes: "number",
    readThrough: "loader (readThrough of @causalmesh/core)",
  },
};

/** Loads `wanted`, or the nearest file from `cwd` up the tree; `wanted` false looks for none. */
export async function loadConfig(wanted: string | false | undefined, cwd: string): Promise<LoadedConfig> {
  const path = wanted === false ? undefined : wanted === undefined ? findConfig(cwd) : resolve(cwd, wanted);
  if (path === undefined) return { values: {}, path: undefined, folder: cwd };
  if (!existsSync(path)) throw new MeshError("OPTION_INVALID", `there is no configuration file ${path}; check --config`);
  const values = await readConfig(path);
  checkShape(values, SHAPE, "", path);
  return { values: values as CausalMeshConfig, path, folder: dirname(path) };
}

/** The nearest configuration file in `folder` or above it. */
export function findConfig(folder: string): string | undefined {
  for (let at = resolve(folder); ; at = dirname(at)) {
    for (const name of CONFIG_FILE_NAMES) {
      const path = join(at, name);
      if (existsSync(path)) return path;
    }
    if (dirname(at) === at) return undefined;
  }
}

async function readConfig(path: string): Promise<unknown> {
  try {
    if (extname(path) === ".json") return JSON.parse(readFileSync(path, "utf8"));
    const module = (await import(pathToFileURL(path).href)) as { default?: unknown };
    return module.default;
  } catch (error) {
    throw new MeshError("OPTION_INVALID", `${path} cannot be loaded: ${(error as Error).message}`, { cause: error });
  }
}

function checkShape(value: unknown, shape: Shape, prefix: string, path: string): void {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    const what = prefix === "" ? "the file must export (as default) one object" : `"${prefix.slice(0, -1)}" must be an object`;
    throw new MeshError("OPTION_INVALID", `${path}: ${what}`);
  }
  for (const [key, entry] of Object.entries(value)) {
    if (!Object.hasOwn(shape, key)) {
      throw new MeshError("OPTION_INVALID", `${path}: unknown entry "${prefix}${key}"; there are ${Object.keys(shape).join(", ")}`);
    }
    checkEntry(entry, shape[key], prefix + key, path);
  }
}

function checkEntry(value: unknown, kind: Kind, name: string, path: string): void {
  if (value === undefined) return;
  if (typeof kind === "object") return checkShape(value, kind, `${name}.`, path);
  if (!isKind(value, kind)) throw new MeshError("OPTION_INVALID", `${path}: "${name}" must be a ${kind}`);
}

function isKind(value: unknown, kind: Exclude<Kind, Shape>): boolean {
  switch (kind) {
    case "string":
      return typeof value === "string";
    case "number":
      return typeof value === "number";
    case "boolean":
      return typeof value === "boolean";
    case "loader (readThrough of @causalmesh/core)":
      return typeof (value as { load?: unknown } | null)?.load === "function" && typeof (value as { has?: unknown }).has === "function";
    case "string or number":
      return typeof value === "string" || typeof value === "number";
    case "string or list of strings":
      return typeof value === "string" || (Array.isArray(value) && value.every((item) => typeof item === "string"));
  }
}
