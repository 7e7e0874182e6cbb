// Who may reach a node: beyond this machine only those who prove who they are, unless the user says in so many words that nobody has to.

import { MeshError } from "@causalmesh/core";
import type { TlsPaths } from "@causalmesh/transport-tcp";
import { formatHostPort, isLoopback, type HostPort } from "./address.js";
import type { Settings } from "./settings.js";

export const INSECURE_FLAG = "--insecure-no-authentication";
export const ADMIN_OPEN_FLAG = "--admin-no-authentication";

/** What keeps strangers out of a mesh. */
export type Guards = Pick<Settings, "secret" | "tls">;

/** `shown` is what the message calls it. */
export function checkExposure(host: string, shown: string, { secret, tls }: Guards, insecure: boolean): void {
  if (secret !== undefined || tls?.clientCerts === true || insecure || isLoopback(host)) return;
  throw new MeshError(
    "OPTION_INVALID",
    `${shown} can be reached from other machines, and there is no secret: give --secret-file, or --tls-client-certs, or ${INSECURE_FLAG} to let anyone read and write`,
  );
}

/** The admin port knows no credentials: it tells anybody who reaches it how the node does. */
export function checkAdmin(address: HostPort, isOpen: boolean): void {
  if (isOpen || isLoopback(address.host)) return;
  throw new MeshError(
    "OPTION_INVALID",
    `the admin address ${formatHostPort(address)} can be reached from other machines, and asks nobody who they are: listen at 127.0.0.1, or give ${ADMIN_OPEN_FLAG} to show the node's state to anyone`,
  );
}

/** Where a node serves HTTP. */
export interface HttpSetting {
  readonly address: HostPort;
  /** The file with the API keys, as an absolute path. */
  readonly keysFile: string | undefined;
  /** The files of HTTPS, as absolute paths; undefined for HTTP. */
  readonly tls: TlsPaths | undefined;
}

/** Throws OPTION_INVALID where anybody could write, or forge sessions. Asked before anything is started. */
export function checkHttp({ address, keysFile }: HttpSetting, { secret }: Guards, insecure: boolean): void {
  const shown = formatHostPort(address);
  if (keysFile === undefined && !insecure && !isLoopback(address.host)) {
    const advice = `give --http-keys FILE, or ${INSECURE_FLAG} to let anyone read and write`;
    throw new MeshError("OPTION_INVALID", `${shown} can be reached from other machines, and there are no API keys: ${advice}`);
  }
  if (keysFile !== undefined && secret === undefined) {
    throw new MeshError("OPTION_INVALID", "--http-keys needs a secret, as sessions could be forged without one: give --secret-file");
  }
}

/** An address under which this machine reaches a listener on all interfaces. */
export function dialable(address: HostPort): HostPort {
  if (address.host === "0.0.0.0") return { host: "127.0.0.1", port: address.port };
  return address.host === "::" ? { host: "::1", port: address.port } : address;
}
