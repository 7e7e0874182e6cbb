// A workflow of three functions in three processes, each at a node of its own, over TCP and over HTTP.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { formMesh, startNode } from "@causalmesh/core";
import { memoryStore } from "@causalmesh/adapter-memory";
import { freePort } from "@causalmesh/test-servers";
import { serveHttp } from "@causalmesh/transport-http/node";
import { connect, tcpTransport } from "@causalmesh/transport-tcp";
import { describe, expect, it, onTestFinished } from "vitest";

const PROGRAM = fileURLToPath(new URL("support/function-server.mjs", import.meta.url));
const secret = "the secret of this test's mesh";

/** Addresses of three nodes over TCP, which end with the test. */
async function startNodes(): Promise<string[]> {
  const addresses = new Set<string>();
  while (addresses.size < 3) addresses.add(`127.0.0.1:${await freePort()}`);
  const store = memoryStore();
  const { members } = await formMesh(store, [...addresses]);
  const nodes = await Promise.all(members.map(({ address, replica }) => startNode({ store, transport: tcpTransport(), address, replica, secret })));
  onTestFinished(async () => void (await Promise.all(nodes.map((node) => node.close()))));
  return [...addresses];
}

/** URLs of a front before each node, which end with the test. */
async function startFronts(nodes: readonly string[]): Promise<string[]> {
  const mesh = await connect({ nodes, secret });
  const fronts = await Promise.all(nodes.map((node) => serveHttp(mesh, { node, allowUnauthenticated: true })));
  onTestFinished(async () => {
    await Promise.all(fronts.map((front) => front.close()));
    await mesh.close();
  });
  return fronts.map(({ url }) => url);
}

/** The URL of a function's process, which ends with the test. */
async function startFunction(...args: string[]): Promise<string> {
  const child = spawn(process.execPath, [PROGRAM, ...args], { env: { ...process.env, SECRET: secret }, stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(async () => {
    const ended = once(child, "exit");
    child.kill("SIGTERM");
    await ended;
  });
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  return line.toString().trim();
}

describe("a workflow in three processes", () => {
  it.each(["tcp", "http"])("over %s has in each function what those before it did, and in the first one what all did", async (kind) => {
    const nodes = await startNodes();
    const places = kind === "tcp" ? nodes : await startFronts(nodes);
    const ship = await startFunction(kind, places[2], "ship");
    const pay = await startFunction(kind, places[1], "pay", ship);
    const order = await startFunction(kind, places[0], "order", pay);
    for (let round = 0; round < 20; round++) {
      const answer = await fetch(`${order}/order-${round}`, { method: "POST" });
      expect(await answer.json()).toEqual(["order", "pay", "ship"]);
    }
  });
});
