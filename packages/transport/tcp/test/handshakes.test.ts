// How many strangers may be about to speak TLS: so many, and the newest of them.

import { once } from "node:events";
import { connect as dial, type AddressInfo, type Socket } from "node:net";
import { connect as dialTls, createServer } from "node:tls";
import { certificate } from "@causalmesh/test-servers";
import { expect, it, onTestFinished } from "vitest";
import { boundHandshakes } from "../src/handshakes.js";

it("beyond the bound the oldest handshake is ended, and those that are finished do not count", async () => {
  const ca = await certificate();
  const server = createServer({ ...(await certificate({ ca })), handshakeTimeout: 3_600_000 }, (socket) => socket.on("error", () => undefined).resume());
  boundHandshakes(server, 5);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const sockets: Socket[] = [];
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const finished = async (): Promise<void> => {
    const socket = dialTls({ port, host: "127.0.0.1", ca: ca.cert });
    sockets.push(socket.on("error", () => undefined));
    await once(socket, "secureConnect");
  };
  for (let count = 0; count < 8; count++) await finished();
  const silent: Socket[] = [];
  for (let count = 0; count < 20; count++) {
    const socket = dial(port, "127.0.0.1")
      .on("error", () => undefined)
      .resume();
    silent.push(socket);
    sockets.push(socket);
    await once(socket, "connect");
  }
  await expect.poll(() => silent.map((socket) => socket.destroyed || socket.readableEnded)).toEqual(silent.map((_, index) => index < 15));
  await finished();
  await expect.poll(() => silent.filter((socket) => !(socket.destroyed || socket.readableEnded)).length).toBe(4);
  expect(sockets.filter((socket) => !silent.includes(socket) && (socket.destroyed || socket.readableEnded))).toEqual([]);
});
