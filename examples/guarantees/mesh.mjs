// The same machines with a mesh: three nodes in front of one store, which begin with these entries.
import { memoryStore } from "@causalmesh/adapter-memory";
import { createMesh } from "@causalmesh/core";

export async function meshWith(entries = {}) {
  const mesh = await createMesh({ nodes: 3, store: memoryStore() });
  await mesh.session().setMany(Object.entries(entries), { durability: "everywhere" });
  return mesh;
}

/** A session at the node of one machine, with the past of the function before it. */
export function at(mesh, machine, token) {
  return mesh.session(token, { node: `node-${machine}` });
}
