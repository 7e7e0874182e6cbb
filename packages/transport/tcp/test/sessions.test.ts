// Sessions of a mesh over TCP against the whole Mesh contract.

import { sessionSuite } from "@causalmesh/conformance";
import { formMesh, startNode, type RunningNode, type Store } from "@causalmesh/core";
import { lmdbStore } from "@causalmesh/adapter-lmdb";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, it } from "vitest";
import { connect, tcpTransport } from "../src/index.js";
import { freeAddresses } from "./support/free-addresses.js";

const secret = "the secret of this test's mesh";

describe("a mesh over TCP", () => {
  const folder = mkdtempSync(join(tmpdir(), "causalmesh-sessions-"));
  let store: Store;
  let nodes: RunningNode[];

  beforeAll(async () => {
    store = lmdbStore({ path: folder });
    const { members } = await formMesh(store, await freeAddresses(3));
    nodes = await Promise.all(members.map(({ address, replica }) => startNode({ store, transport: tcpTransport(), address, replica, secret })));
  });

  afterAll(async () => {
    await Promise.all(nodes.map((node) => node.close()));
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const suite = sessionSuite({ open: () => connect({ nodes: nodes.map(({ address }) => address), secret }) });
  for (const { name, run } of suite) it(name, run);
});
