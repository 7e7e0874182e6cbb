// What a store is for: a mesh ends, and the next one goes on with what it has left.

import { createMesh } from "@causalmesh/core";
import { assertEqual } from "./case.js";
import { whereDurable, type StoreClaim } from "./store-setup.js";

const NODES = 3;

export const MESH_CLAIMS: readonly StoreClaim[] = [
  {
    name: "mesh: the next one reads what the one before has left",
    skip: whereDurable,
    check: async ({ store, open }) => {
      const mesh = await createMesh({ nodes: NODES, store });
      const first = mesh.session(undefined, { node: "node-1" });
      for (let index = 0; index < 50; index++) await first.set(`key ${index}`, { index, at: new Date(index) });
      await first.delete("key 7");
      const second = mesh.session(await first.token(), { node: "node-3" });
      assertEqual(await second.get("key 9"), { index: 9, at: new Date(9) }, "what another node shows to the session");
      await mesh.close();
      await store.close();

      const next = await createMesh({ nodes: NODES, store: await open() });
      const read = await next.session().getMany(["key 0", "key 7", "key 49"]);
      await next.close();
      assertEqual(read, [{ index: 0, at: new Date(0) }, undefined, { index: 49, at: new Date(49) }], "what the next mesh reads");
    },
  },
];
