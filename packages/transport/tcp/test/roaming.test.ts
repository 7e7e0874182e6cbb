// Sessions that go from one kind of mesh to the other, and to each node: what the README promises for TCP.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createMesh, formMesh, startNode, type Mesh, type RunningNode } from "@causalmesh/core";
import { lmdbStore } from "@causalmesh/adapter-lmdb";
import { afterEach, describe, expect, it } from "vitest";
import { connect, tcpTransport } from "../src/index.js";
import { freeAddresses } from "./support/free-addresses.js";
import { silentAddress } from "./support/silent-address.js";

const secret = "the secret of this test's mesh";
const folders: string[] = [];
const cleanups: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "causalmesh-roaming-"));
  folders.push(folder);
  return folder;
}

/** Three nodes over TCP on the store in a folder, and a client. */
async function tcpMesh(folder: string): Promise<{ mesh: Mesh; nodes: RunningNode[]; addresses: string[] }> {
  const store = lmdbStore({ path: folder });
  const addresses = await freeAddresses(3);
  const view = await formMesh(store, addresses);
  const nodes = await Promise.all(view.members.map(({ address, replica }) => startNode({ store, transport: tcpTransport(), address, replica, secret })));
  const mesh = await connect({ nodes: [addresses[0]], secret });
  cleanups.push(
    () => store.close(),
    async () => void (await Promise.all(nodes.map((node) => node.close()))),
    () => mesh.close(),
  );
  return { mesh, nodes, addresses };
}

describe("a session", () => {
  it("goes from a mesh in this process to one over TCP on the same store, and back", async () => {
    const folder = newFolder();
    const first = lmdbStore({ path: folder });
    const embedded = await createMesh({ nodes: 2, store: first, secret });
    const session = embedded.session();
    await session.set("cart", { items: 1 });
    const token = await session.token();
    await embedded.close();
    await first.close();

    const { mesh, addresses } = await tcpMesh(folder);
    const remote = mesh.session(token, { node: addresses[2] });
    expect(await remote.get("cart")).toEqual({ items: 1 });
    await remote.set("cart", { items: 2 });
    const back = await remote.token();
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();

    const second = lmdbStore({ path: folder });
    const again = await createMesh({ nodes: 3, store: second, secret });
    expect(await again.session(back).get("cart")).toEqual({ items: 2 });
    await again.close();
    await second.close();
  });

  it("is read with its token at each other node at once, while others write", async () => {
    const { mesh, addresses } = await tcpMesh(newFolder());
    let writing = true;
    const writers = addresses.map(async (node) => {
      const writer = mesh.session(undefined, { node });
      for (let count = 0; writing; count++) await writer.set(`other-${count % 20}`, count, { durability: "memory" });
    });
    const late: string[] = [];
    for (let round = 0; round < 500; round++) {
      const session = mesh.session(undefined, { node: addresses[round % 3] });
      await session.set(`key-${round % 10}`, round, { durability: round % 2 === 0 ? "memory" : "replicated" });
      const token = await session.token();
      for (const node of addresses) {
        const seen = await mesh.session(token, { node }).get<number>(`key-${round % 10}`);
        if (seen !== round) late.push(`round ${round}: ${node} showed ${seen}`);
      }
    }
    writing = false;
    await Promise.all(writers);
    expect(late).toEqual([]);
  });

  it("goes on at another node when its own ends, with all that it has seen", async () => {
    const { mesh, nodes, addresses } = await tcpMesh(newFolder());
    const session = mesh.session(undefined, { node: addresses[1] });
    await session.set("a", 1, { durability: "everywhere" });
    await session.set("b", 2, { durability: "memory" });
    await nodes[1].close();
    expect(await session.getMany(["a", "b"])).toEqual([1, 2]);
    expect(session.node).not.toBe(addresses[1]);
  });
});

describe("a node", () => {
  it("listens at another address than the one at which others reach it", async () => {
    const store = lmdbStore({ path: newFolder() });
    const addresses = await freeAddresses(2);
    const view = await formMesh(
      store,
      addresses.map((address) => address.replace("127.0.0.1", "localhost")),
    );
    const nodes = await Promise.all(
      view.members.map(({ address, replica }, index) => startNode({ store, transport: tcpTransport(), address, listen: addresses[index], replica, secret })),
    );
    const mesh = await connect({ nodes: [addresses[0]], secret });
    cleanups.push(
      () => store.close(),
      async () => void (await Promise.all(nodes.map((node) => node.close()))),
      () => mesh.close(),
    );
    await mesh.session().set("k", 1, { durability: "everywhere" });
    expect(nodes.map((node) => node.status().applied)).toHaveLength(2);
  });
});

describe("connecting", () => {
  it("takes no longer than the time allowed, although nobody answers", async () => {
    const { address, release } = await silentAddress();
    cleanups.push(release);
    const begin = performance.now();
    await expect(connect({ nodes: [address], timeoutMs: 200 })).rejects.toMatchObject({ code: "TIMEOUT" });
    expect(performance.now() - begin).toBeLessThan(1_500);
  });
});
