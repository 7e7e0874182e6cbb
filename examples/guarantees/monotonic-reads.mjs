// A function reads the state of an order, and the next one, on another machine, reads it again.
import { at, meshWith } from "./mesh.mjs";
import { plainCaches } from "./plain-caches.mjs";

const before = { order: "placed" };

const { caches, database } = plainCaches(2, before);
caches[1].get("order"); // somebody has looked at it there
database.set("order", "shipped");
console.log("plain caches:", caches[0].get("order"), "then", caches[1].get("order"));

const mesh = await meshWith(before);
await at(mesh, 3).set("order", "shipped", { durability: "everywhere" });
const first = at(mesh, 1);
const seen = await first.get("order");
const second = at(mesh, 2, await first.token());
console.log("the mesh:", seen, "then", await second.get("order"));
await mesh.close();
