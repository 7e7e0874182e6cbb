// Meshes for these tests, which end with the test, and what a token has to cover.

import { createMesh, formMesh, inspectToken, startNode, type Mesh } from "@causalmesh/core";
import { memoryStore } from "@causalmesh/adapter-memory";
import { freePort } from "@causalmesh/test-servers";
import { connectHttp } from "@causalmesh/transport-http";
import { serveHttp } from "@causalmesh/transport-http/node";
import { connect, tcpTransport } from "@causalmesh/transport-tcp";
import { expect, onTestFinished } from "vitest";

const secret = "the secret of this test's mesh";

export const KINDS = ["embedded", "TCP", "HTTP"] as const;

/** A mesh of three nodes as its client has it. */
export async function openMesh(kind: (typeof KINDS)[number] = "embedded"): Promise<Mesh> {
  if (kind === "TCP") return await overTcp();
  const mesh = await createMesh({ nodes: 3, store: memoryStore(), secret });
  onTestFinished(() => mesh.close());
  if (kind === "embedded") return mesh;
  const fronts = await Promise.all(["node-1", "node-2", "node-3"].map((node) => serveHttp(mesh, { node, allowUnauthenticated: true })));
  onTestFinished(async () => void (await Promise.all(fronts.map((front) => front.close()))));
  return connectHttp({ url: fronts.map(({ url }) => url), namespace: "shop" });
}

async function overTcp(): Promise<Mesh> {
  const store = memoryStore();
  const addresses = new Set<string>();
  while (addresses.size < 3) addresses.add(`127.0.0.1:${await freePort()}`);
  const { members } = await formMesh(store, [...addresses]);
  const nodes = await Promise.all(members.map(({ address, replica }) => startNode({ store, transport: tcpTransport(), address, replica, secret })));
  const mesh = await connect({ nodes: [...addresses], secret });
  onTestFinished(async () => {
    await mesh.close();
    await Promise.all(nodes.map((node) => node.close()));
  });
  return mesh;
}

/** A write of the ambient session, and its name: it is in no token yet. */
export async function write(mesh: Mesh, key: string, value: unknown = key): Promise<string> {
  await mesh.set(key, value, { durability: "memory" });
  return (await mesh.getEntry(key)).version!;
}

/** Whether whoever goes on from the token sees the write: it is in the session's past, or travels in the token. */
export function expectCovered(token: string | null | undefined, version: string): void {
  const [replica, counter] = version.split(":");
  const { visible, own } = inspectToken(token!);
  const isCovered = (visible[replica] ?? 0) >= Number(counter) || own.some(({ write: name }) => name === version);
  expect(isCovered, `the token covers ${version}: ${JSON.stringify({ visible, own })}`).toBe(true);
}

export async function codeOf(promise: Promise<unknown>): Promise<string> {
  return await promise.then(
    () => "none",
    (error: { code?: string }) => error.code ?? String(error),
  );
}
