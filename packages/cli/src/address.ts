// Addresses as users write them: `host:port`, `[::1]:7400`, `mesh://host:port`.

import { MeshError } from "@causalmesh/core";
import { DEFAULT_PORT } from "./defaults.js";

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** Parses `host:port`; `option` names the place in messages. Port 0 means any free port. */
export function parseHostPort(text: string, option: string): HostPort {
  const match = /^(?:\[([0-9a-fA-F:.%\w]+)\]|([^\s:/[\]@]+)):(\d{1,5})$/.exec(text);
  const port = match === null ? NaN : Number(match[3]);
  if (match === null || !(port <= 65_535)) {
    throw new MeshError("ADDRESS_INVALID", `${option} ${JSON.stringify(text)} is not an address; write host:port, such as 127.0.0.1:${DEFAULT_PORT}`);
  }
  return { host: match[1] ?? match[2], port };
}

export function formatHostPort({ host, port }: HostPort): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** A node, or an HTTP front: `http` stands for https as well. */
export interface NodeUrl {
  /** Undefined where there was none: a node's address, with TLS or without. */
  readonly scheme: "mesh" | "meshs" | "http" | undefined;
  /** `host:port` of a node, with the default port where there was none; the whole URL of a front. */
  readonly address: string;
}

/** Parses what a user gives for a node; `option` names the place in messages. Throws ADDRESS_INVALID. */
export function parseNodeUrl(text: string, option: string): NodeUrl {
  if (/^https?:\/\//i.test(text)) return { scheme: "http", address: text.replace(/\/+$/, "") };
  const match = /^(?:([a-z][a-z0-9+.-]*):\/\/)?([^/]*)\/?$/i.exec(text);
  const scheme = match?.[1]?.toLowerCase();
  if (match === null || match[2] === "") {
    throw new MeshError("ADDRESS_INVALID", `${option} ${JSON.stringify(text)} is not a node's URL; write mesh://host:port`);
  }
  if (scheme !== undefined && scheme !== "mesh" && scheme !== "meshs") {
    throw new MeshError(
      "ADDRESS_INVALID",
      `${option}: ${scheme}:// is not supported; write mesh://host:port, meshs:// for TLS, or the https:// URL of an HTTP front`,
    );
  }
  const address = /:\d+$/.test(match[2]) ? match[2] : `${match[2]}:${DEFAULT_PORT}`;
  return { scheme, address: formatHostPort(parseHostPort(address, option)) };
}

/** Whether an address can be reached from this machine alone. Names other than localhost count as reachable from elsewhere. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}
