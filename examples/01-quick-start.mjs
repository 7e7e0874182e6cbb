// A workflow of two functions at two nodes of a mesh in this process. The second sees what the first wrote, because it got its token.
import { createMesh } from "@causalmesh/core";
import { memoryStore } from "@causalmesh/adapter-memory";

const mesh = await createMesh({ nodes: 3, store: memoryStore() });

const first = mesh.session(undefined, { node: "node-1" });
await first.set("cart:42", { items: ["tea"] });
const token = await first.token();

const second = mesh.session(token, { node: "node-3" });
console.log(await second.get("cart:42"));

await mesh.close();
