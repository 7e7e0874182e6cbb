// An address that neither takes nor refuses a connection: a listener in a thread that sleeps, with its queue filled.

import { connect, type Socket } from "node:net";
import { once } from "node:events";
import { Worker } from "node:worker_threads";

const SLEEPER = `
  const { createServer } = require("node:net");
  const { parentPort } = require("node:worker_threads");
  const server = createServer();
  server.listen({ host: "127.0.0.1", port: 0, backlog: 1 }, () => {
    parentPort.postMessage(server.address().port);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  });
`;
/** Milliseconds after which a connection on this machine counts as not taken. */
const UNTAKEN_MS = 300;
const ATTEMPTS_MAX = 64;

export async function silentAddress(): Promise<{ address: string; release: () => Promise<void> }> {
  const sleeper = new Worker(SLEEPER, { eval: true });
  const [port] = (await once(sleeper, "message")) as [number];
  const sockets: Socket[] = [];
  const release = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    await sleeper.terminate();
  };
  // The kernel takes connections until the queue is full.
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const socket = connect({ host: "127.0.0.1", port });
    sockets.push(socket);
    socket.on("error", () => undefined);
    const taken = await Promise.race([once(socket, "connect").then(() => true), new Promise<boolean>((resolve) => setTimeout(resolve, UNTAKEN_MS, false))]);
    if (!taken) return { address: `127.0.0.1:${port}`, release };
  }
  await release();
  throw new Error(`the kernel took ${ATTEMPTS_MAX} connections for a listener with a queue of one`);
}
