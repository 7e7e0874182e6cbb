// Who may reach a node: beyond this machine only with a secret, unless the user says in so many words that none is wanted.

import { MeshError } from "@causalmesh/core";
import { isLoopback, type HostPort } from "./address.js";

export const INSECURE_FLAG = "--insecure-no-authentication";

/** `shown` is what the message calls it. */
export function checkExposure(host: string, shown: string, secret: string | undefined, insecure: boolean): void {
  if (secret !== undefined || insecure || isLoopback(host)) return;
  throw new MeshError(
    "OPTION_INVALID",
    `${shown} can be reached from other machines, and there is no secret: give --secret-file, or ${INSECURE_FLAG} to let anyone read and write`,
  );
}

/** An address under which this machine reaches a listener on all interfaces. */
export function dialable(address: HostPort): HostPort {
  if (address.host === "0.0.0.0") return { host: "127.0.0.1", port: address.port };
  return address.host === "::" ? { host: "::1", port: address.port } : address;
}
