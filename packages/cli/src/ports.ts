// Ports for the nodes of a local mesh. Their addresses stand in the view before any node starts, so they are found here
// first; a node that then finds its port taken says so.

import { createServer, type Server } from "node:net";
import { MeshError } from "@causalmesh/core";
import { formatHostPort } from "./address.js";

const PORT_MAX = 65_535;

/** `count` ports from `first` on, each of them free; any free ones when `first` is 0. `option` is what users change. */
export async function takePorts(host: string, first: number, count: number, option: string): Promise<number[]> {
  if (first !== 0 && first + count - 1 > PORT_MAX) {
    throw new MeshError("OPTION_INVALID", `${option} ${first} leaves no room for ${count} ports below ${PORT_MAX + 1}`);
  }
  // All are held until the last is found, so that no port is found twice.
  const held: Server[] = [];
  try {
    for (let index = 0; index < count; index++) held.push(await hold(host, first === 0 ? 0 : first + index, count, option));
    return held.map((server) => (server.address() as { port: number }).port);
  } finally {
    await Promise.all(held.map((server) => new Promise((resolve) => server.close(resolve))));
  }
}

function hold(host: string, port: number, count: number, option: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => reject(holdError(error, host, port, count, option)));
    server.listen({ host, port, exclusive: true }, () => resolve(server));
  });
}

function holdError(error: NodeJS.ErrnoException, host: string, port: number, count: number, option: string): MeshError {
  const address = formatHostPort({ host, port });
  if (error.code === "EADDRINUSE") {
    const other = port + 100 <= PORT_MAX - count ? port + 100 : port - 100;
    const advice = `choose another with ${option} ${other}, or any free ones with ${option} 0`;
    return new MeshError("ADDRESS_IN_USE", `${address} is in use by another program; ${advice}`, { cause: error });
  }
  if (error.code === "EACCES") {
    return new MeshError("ADDRESS_INVALID", `${address} may not be listened on by this user; choose a port above 1023 with ${option}`, { cause: error });
  }
  return new MeshError("ADDRESS_INVALID", `${address} cannot be listened on (${error.code ?? error.message}); check the host`, { cause: error });
}
