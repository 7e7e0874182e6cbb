// Certificates: files named by flags, the environment and the configuration file, each by itself, in this order.

import { resolve } from "node:path";
import { MeshError } from "@causalmesh/core";
import { tlsFiles, type RereadListener, type TlsOptions, type TlsPaths } from "@causalmesh/transport-tcp";

/** The flags, as commander hands them over. */
export interface TlsFlags {
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsCa?: string;
  readonly tlsServerName?: string;
  readonly tlsClientCerts?: boolean;
}

/** One place that may name something, weaker ones later. */
export interface TlsPlace extends TlsFlags {
  /** Where relative paths begin. */
  readonly folder: string;
}

export interface TlsSetting {
  /** Absolute. */
  readonly paths: TlsPaths;
  readonly serverName: string | undefined;
  /** Whether a node takes nobody without a certificate of the authority. */
  readonly clientCerts: boolean;
}

/** Undefined where no place names a file. Throws OPTION_INVALID where something is said about TLS, and nothing that it could begin with. */
export function resolveTls(places: readonly TlsPlace[]): TlsSetting | undefined {
  const path = (name: "tlsCert" | "tlsKey" | "tlsCa"): string | undefined => {
    const place = places.find((candidate) => candidate[name] !== undefined);
    return place === undefined ? undefined : resolve(place.folder, place[name]!);
  };
  const paths = { cert: path("tlsCert"), key: path("tlsKey"), ca: path("tlsCa") };
  const clientCerts = places.find((place) => place.tlsClientCerts !== undefined)?.tlsClientCerts === true;
  if (clientCerts && paths.ca === undefined)
    throw new MeshError("OPTION_INVALID", "--tls-client-certs needs --tls-ca, the authority whose certificates are taken");
  if (Object.values(paths).every((named) => named === undefined)) return undefined;
  return { paths, serverName: places.find((place) => place.tlsServerName !== undefined)?.tlsServerName, clientCerts };
}

/** Throws OPTION_INVALID where a node would have nothing to show. */
export function checkNodeTls(tls: TlsSetting | undefined): void {
  if (tls !== undefined && tls.paths.cert === undefined)
    throw new MeshError("OPTION_INVALID", "a node that speaks TLS needs a certificate: give --tls-cert and --tls-key");
}

/** Reads the files. Throws OPTION_INVALID. */
export function openTls(tls: TlsSetting | undefined, told?: RereadListener): (() => TlsOptions) | undefined {
  if (tls === undefined) return undefined;
  const { paths, serverName: servername, clientCerts: requestCert } = tls;
  return tlsFiles(paths, { requestCert, ...(servername === undefined ? {} : { servername }) }, told);
}
