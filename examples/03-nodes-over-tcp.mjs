// Nodes of one's own over TCP: form the mesh on a store, start a node for each member (usually one per process), connect a client.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formMesh, startNode } from "@causalmesh/core";
import { lmdbStore } from "@causalmesh/adapter-lmdb";
import { connect, tcpTransport } from "@causalmesh/transport-tcp";

const folder = mkdtempSync(join(tmpdir(), "causalmesh-example-"));
const store = lmdbStore({ path: folder });
const secret = "shared by all nodes and clients";

const view = await formMesh(store, ["127.0.0.1:17400", "127.0.0.1:17401", "127.0.0.1:17402"]);
const nodes = await Promise.all(view.members.map(({ address, replica }) => startNode({ store, transport: tcpTransport(), address, replica, secret })));

const mesh = await connect({ nodes: ["127.0.0.1:17400"], secret });
const session = mesh.session();
await session.set("greeting", "hello", { durability: "stored" });
const { members } = await mesh.status();
console.log(await session.get("greeting"), "from a mesh of", members.length);

await mesh.close();
await Promise.all(nodes.map((node) => node.close()));
await store.close();
rmSync(folder, { recursive: true });
