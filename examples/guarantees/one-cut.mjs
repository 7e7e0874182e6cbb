// Ten coins go from one account to the other, while somebody adds the two up.
import { at, meshWith } from "./mesh.mjs";
import { plainCaches } from "./plain-caches.mjs";

const before = { left: 10, right: 0 };
const after = { left: 0, right: 10 };
const sum = ([left, right]) => left + right;

const { caches } = plainCaches(2, before);
caches[1].get("left"); // somebody has looked at it there
for (const [key, value] of Object.entries(after)) caches[0].set(key, value);
console.log("plain caches:", sum(["left", "right"].map((key) => caches[1].get(key))), "coins");

const mesh = await meshWith(before);
const adds = at(mesh, 2);
await adds.get("left");
await at(mesh, 1).setMany(Object.entries(after), { durability: "everywhere" });
console.log("the mesh:", sum(await adds.getMany(["left", "right"])), "coins");
await mesh.close();
