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

export function connectError(address: string, cause: unknown): MeshError {
  return new MeshError("NODE_UNREACHABLE", `cannot connect to ${address} (${codeOf(cause)}); check the address and that the node runs`, { cause });
}

export function lostError(address: string, cause: unknown): MeshError {
  return new MeshError("NODE_UNREACHABLE", `the connection to ${address} was lost (${codeOf(cause)})`, { cause });
}
