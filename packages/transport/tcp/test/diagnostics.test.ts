// The diagnostics channels of a process that runs a node and a client.

import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { createServer, type AddressInfo } from "node:net";
import { once } from "node:events";
import { lmdbStore } from "@causalmesh/adapter-lmdb";
import { startNode, type Member, type NodeEvent } from "@causalmesh/core";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { connect, publishNodeEvent, tcpTransport } from "../src/index.js";

async function freeAddress(): Promise<string> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return `127.0.0.1:${port}`;
}

/** What is published on a channel until the test ends. */
function published<Message>(name: string): Message[] {
  const messages: Message[] = [];
  const listen = (message: unknown): void => void messages.push(message as Message);
  subscribe(name, listen);
  onTestFinished(() => void unsubscribe(name, listen));
  return messages;
}

it("tells of views and connections", async () => {
  const views = published<Extract<NodeEvent, { type: "view" }>>("causalmesh:view");
  const opened = published<{ remote: string }>("causalmesh:connection-opened");
  const closed = published<{ remote: string }>("causalmesh:connection-closed");
  const path = mkdtempSync(join(tmpdir(), "causalmesh-tcp-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  const store = lmdbStore({ path });
  const [address, other] = [await freeAddress(), await freeAddress()];
  const a = await startNode({ store, transport: tcpTransport(), address, onEvent: publishNodeEvent });
  const b = await startNode({ store, transport: tcpTransport(), address: other });
  await expect.poll(() => views.length).toBeGreaterThanOrEqual(1);
  const named = (members: readonly Member[]): object[] => members.map(({ replica, address }) => ({ replica, address }));
  expect(named(views[0].joined)).toEqual([{ replica: b.replica, address: other }]);
  const mesh = await connect({ nodes: [address] });
  // The client's end, and the node's.
  await expect.poll(() => opened.filter(({ remote }) => remote === address).length).toBeGreaterThan(0);
  const before = closed.length;
  await mesh.close();
  await expect.poll(() => closed.length).toBeGreaterThan(before);
  await b.close();
  await expect.poll(() => views.flatMap(({ left }) => named(left)), { timeout: 10_000 }).toEqual([{ replica: 2, address: other }]);
  await a.close();
  await store.close();
});

it("publishes each event on the channel of its type, and nothing where nobody has subscribed", () => {
  publishNodeEvent({ type: "store-recovered", afterMs: 1 });
  const failing = published<NodeEvent>("causalmesh:store-failing");
  const recovered = published<NodeEvent>("causalmesh:store-recovered");
  const event: NodeEvent = { type: "store-failing", what: "flush", error: new Error("away") };
  publishNodeEvent(event);
  publishNodeEvent({ type: "store-recovered", afterMs: 5 });
  expect(failing).toEqual([event]);
  expect(recovered).toEqual([{ type: "store-recovered", afterMs: 5 }]);
});
