// What the operating system says about sockets, as the mesh's errors.

import { MeshError } from "@causalmesh/core";

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}

export function listenError(address: string, cause: unknown): MeshError {
  const code = codeOf(cause);
  if (code === "EADDRINUSE")
    return new MeshError("ADDRESS_IN_USE", `${address} is in use by another process; choose another port, or end that process`, { cause });
  if (code === "EACCES") return new MeshError("ADDRESS_INVALID", `this user may not listen at ${address}; choose a port above 1023`, { cause });
  return new MeshError("ADDRESS_INVALID", `cannot listen at ${address} (${code}); give an address of this machine`, { cause });
}

/** What node:tls and OpenSSL say where a certificate is not good, or the other end speaks no TLS. */
const TLS_CODES = /^(ERR_SSL_|ERR_TLS_|EPROTO$|CERT_|UNABLE_TO_|DEPTH_ZERO_SELF_|SELF_SIGNED_|INVALID_CA$|INVALID_PURPOSE$|HOSTNAME_MISMATCH$)/;

/** Another node may have a good certificate, and this one soon. */
function tlsError(address: string, cause: unknown): MeshError {
  const advice =
    "check that it speaks TLS, that its certificate is valid, for this name, and of a CA that is trusted here (ca), and that this program has one that is (cert and key) where it is asked for it";
  return new MeshError("UNAUTHENTICATED", `TLS with ${address} failed (${codeOf(cause)}); ${advice}`, { cause, retryable: true });
}

export function connectError(address: string, cause: unknown): MeshError {
  if (TLS_CODES.test(codeOf(cause))) return tlsError(address, cause);
  return new MeshError("NODE_UNREACHABLE", `cannot connect to ${address} (${codeOf(cause)}); check the address and that the node runs`, { cause });
}

export function lostError(address: string, cause: unknown): MeshError {
  if (TLS_CODES.test(codeOf(cause))) return tlsError(address, cause);
  return new MeshError("NODE_UNREACHABLE", `the connection to ${address} was lost (${codeOf(cause)})`, { cause });
}
