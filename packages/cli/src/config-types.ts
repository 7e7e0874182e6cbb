// The shape of causalmesh.config.{mjs,js,json}. config-file.ts finds, loads and checks it.

import type { Duration, Loader } from "@causalmesh/core";

/** Every entry is optional; flags and environment variables come before it. Relative paths begin at the file's folder. */
export interface CausalMeshConfig {
  /** Nodes to talk to: `mesh://host:port`, `meshs://` for TLS, or the URLs of HTTP fronts; several as an array or with commas. */
  readonly url?: string | readonly string[];
  /** Shared secret of nodes and clients, at least 16 bytes. Better kept in `secretFile`. */
  readonly secret?: string;
  /** A file with secrets, one a line: the first proves and signs, all are accepted. Read again when it changes. */
  readonly secretFile?: string;
  /** A file with the key for an HTTP front. */
  readonly apiKeyFile?: string;
  /** Files with PEM, read again when they change. */
  readonly tls?: {
    readonly cert?: string;
    readonly key?: string;
    readonly ca?: string;
    /** The name that certificates of nodes are for, where that is not the host in their address. */
    readonly serverName?: string;
    /** Nodes take nobody without a certificate of `ca`. */
    readonly clientCerts?: boolean;
  };
  /** `memory:`, `lmdb:./folder`, `postgres://user@host/database`, `redis://user@host` or `dynamodb://table`. */
  readonly store?: string;
  readonly namespace?: string;
  /** trace, debug, info, warn, error, fatal or silent. */
  readonly logLevel?: string;
  /** Milliseconds, or a number with a unit: `"5s"`. */
  readonly timeout?: number | string;
  readonly dev?: {
    readonly nodes?: number;
    readonly host?: string;
    readonly port?: number;
    readonly adminPort?: number;
    readonly httpPort?: number;
  };
  readonly node?: {
    readonly listen?: string;
    readonly advertise?: string;
    readonly admin?: string;
    /** Lets the admin port listen beyond this machine, where it answers anybody. */
    readonly adminNoAuthentication?: boolean;
    /** Where the mesh is served over HTTP. */
    readonly http?: string;
    /** A JSON file with API keys: `[{ "name", "key" or "sha256", "role", "namespaces" }]`. */
    readonly httpKeys?: string;
    /** Files with PEM: HTTPS instead of HTTP. */
    readonly httpTlsCert?: string;
    readonly httpTlsKey?: string;
    readonly cacheBytes?: number;
    /** Time that the node has to hand over and leave when it is told to stop, in milliseconds or with a unit: `"25s"`. */
    readonly grace?: number | string;
    /** The URL of a monitor, for what a canary beside the node is told. */
    readonly monitor?: string;
    /** How long versions that were overwritten are kept for the snapshots of transactions; default one minute, 0 for not at all. */
    readonly snapshotRetention?: Duration;
    /** Bound of those versions in bytes; default 64 MiB. */
    readonly snapshotBytes?: number;
    /** Where keys come from that the mesh has no value for: `readThrough({ load })` of @causalmesh/core. The same for every node. */
    readonly readThrough?: Loader;
  };
}

/** Returns its argument: gives editors the type in `causalmesh.config.mjs`. */
export function defineConfig(config: CausalMeshConfig): CausalMeshConfig {
  return config;
}
