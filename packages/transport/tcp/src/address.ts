// Addresses as users write them: `host:port`, `[::1]:7400`, `mesh://host:port`.

import { MeshError } from "@causalmesh/core";

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** Parses an address; port 0 means any free port. Throws ADDRESS_INVALID. */
export function parseAddress(address: string): HostPort {
  const match = typeof address === "string" ? /^(?:mesh:\/\/)?(?:\[([\da-fA-F:.%\w]+)\]|([^\s:/[\]@]+)):(\d{1,5})\/?$/.exec(address) : null;
  const port = match === null ? NaN : Number(match[3]);
  if (match === null || !(port <= 65_535)) {
    throw new MeshError("ADDRESS_INVALID", `${JSON.stringify(address)} is not an address; write host:port, such as 127.0.0.1:7400`);
  }
  return { host: match[1] ?? match[2], port };
}

/** The form that `parseAddress` reads, with brackets around IPv6. */
export function formatAddress({ host, port }: HostPort): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
