// A workflow sets an address, and corrects it in its next function, on another machine.
import { at, meshWith } from "./mesh.mjs";
import { plainCaches } from "./plain-caches.mjs";

const { caches, database } = plainCaches(2);
caches[0].setBehind("address", "Main Stret 1");
caches[1].setBehind("address", "Main Street 1");
caches[1].flush(); // each flushes when it gets to it
caches[0].flush();
console.log("plain caches:", database.get("address"));

const mesh = await meshWith();
const first = at(mesh, 1);
await first.set("address", "Main Stret 1");
const second = at(mesh, 2, await first.token());
await second.set("address", "Main Street 1", { durability: "everywhere" });
console.log("the mesh:", await at(mesh, 3).get("address"));
await mesh.close();
