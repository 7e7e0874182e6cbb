// Addresses as users write them: `host:port`, `[::1]:7400`, `mesh://host:port`, and `meshs://host:port` for TLS.

import { MeshError } from "@causalmesh/core";

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** Parses an address; port 0 means any free port. Throws ADDRESS_INVALID. */
export function parseAddress(address: string): HostPort {
  const match = typeof address === "string" ? /^(?:meshs?:\/\/)?(?:\[([\da-fA-F:.%\w]+)\]|([^\s:/[\]@]+)):(\d{1,5})\/?$/.exec(address) : null;
  const port = match === null ? NaN : Number(match[3]);
  if (match === null || !(port <= 65_535)) {
    throw new MeshError("ADDRESS_INVALID", `${JSON.stringify(address)} is not an address; write host:port, such as 127.0.0.1:7400`);
  }
  return { host: match[1] ?? match[2], port };
}

/** Whether an address says that TLS is spoken there. */
export function saysTls(address: unknown): boolean {
  return typeof address === "string" && address.startsWith("meshs://");
}

/** Parses an address for a transport with or without TLS: what the address says about it may not be something else. Throws ADDRESS_INVALID. */
export function parseAddressFor(address: string, isTls: boolean): HostPort {
  const parsed = parseAddress(address);
  if (saysTls(address) && !isTls) throw new MeshError("ADDRESS_INVALID", `${address} asks for TLS: give tls, such as { ca }, or write mesh://`);
  if (isTls && address.startsWith("mesh://")) throw new MeshError("ADDRESS_INVALID", `${address} asks for no TLS, and there is tls: write meshs://`);
  return parsed;
}

/** The form that `parseAddress` reads, with brackets around IPv6. */
export function formatAddress({ host, port }: HostPort): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
