// What `doctor` asks of the ports that the configuration file gives to a node of this machine: are they free, or has the mesh's own node them already.

import { createServer } from "node:net";
import { formatHostPort, parseHostPort, type HostPort } from "../address.js";
import { dialable } from "../exposure.js";
import type { Settings } from "../settings.js";
import { failed, ok, type Check } from "./check.js";

/** `answering` are the addresses of nodes that are well. */
export async function checkPorts({ config }: Settings, answering: readonly string[]): Promise<Check[]> {
  const { listen, admin, http } = config.values.node ?? {};
  const named = Object.entries({ listen, admin, http }).flatMap(([name, address]) =>
    address === undefined ? [] : [{ name, address: parseHostPort(address, `"node.${name}"`) }],
  );
  return await Promise.all(named.filter(({ address }) => address.port !== 0).map(({ name, address }) => checkPort(name, address, answering)));
}

async function checkPort(name: string, address: HostPort, answering: readonly string[]): Promise<Check> {
  const shown = formatHostPort(address);
  const check = `port ${shown}`;
  const code = await tryToListen(address);
  if (code === undefined) return ok(check, `free for node.${name}`);
  if (code !== "EADDRINUSE")
    return failed(check, `cannot be listened on (${code})`, `give node.${name} an address of this machine, and a port that this user may listen on`);
  if (answering.some((node) => node === shown || node === formatHostPort(dialable(address)))) return ok(check, "a node of the mesh listens there");
  if (name !== "listen" && answering.length > 0) return ok(check, `in use: by the node that runs here, if its node.${name} is the same`);
  return failed(check, "in use by another program", `end that program, or give node.${name} another port`);
}

/** Why it cannot be listened there; undefined where it can. */
function tryToListen({ host, port }: HostPort): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? String(error)));
    server.listen(port, host, () => server.close(() => resolve(undefined)));
  });
}
