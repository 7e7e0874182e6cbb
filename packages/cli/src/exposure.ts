// Who may reach a node: beyond this machine only with a secret, unless the user says in so many words that none is wanted.

import { MeshError, type SecretSource } from "@causalmesh/core";
import { formatHostPort, isLoopback, type HostPort } from "./address.js";

export const INSECURE_FLAG = "--insecure-no-authentication";

/** `shown` is what the message calls it. */
export function checkExposure(host: string, shown: string, secret: SecretSource | undefined, insecure: boolean): void {
  if (secret !== undefined || insecure || isLoopback(host)) return;
  throw new MeshError(
    "OPTION_INVALID",
    `${shown} can be reached from other machines, and there is no secret: give --secret-file, or ${INSECURE_FLAG} to let anyone read and write`,
  );
}

/** Where a node serves HTTP. */
export interface HttpSetting {
  readonly address: HostPort;
  /** The file with the API keys, as an absolute path. */
  readonly keysFile: string | undefined;
}

/** Throws OPTION_INVALID where anybody could write, or forge sessions. Asked before anything is started. */
export function checkHttp({ address, keysFile }: HttpSetting, secret: SecretSource | undefined, insecure: boolean): void {
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
