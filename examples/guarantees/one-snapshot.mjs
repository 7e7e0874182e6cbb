// A workflow reads the price in one function and the stock in the next, on another machine. Both change between the two.
import { at, meshWith } from "./mesh.mjs";
import { plainCaches } from "./plain-caches.mjs";

const before = { price: "old", stock: "old" };
const after = { price: "new", stock: "new" };

const { caches, database } = plainCaches(2, before);
const price = caches[0].get("price");
for (const [key, value] of Object.entries(after)) database.set(key, value);
console.log("plain caches:", price, "price and", caches[1].get("stock"), "stock");

const mesh = await meshWith(before);
const first = at(mesh, 1).begin();
const seen = await first.get("price");
const token = await first.token();
await at(mesh, 3).setMany(Object.entries(after), { durability: "everywhere" });
const second = mesh.transaction(token, { node: "node-2" });
console.log("the mesh:", seen, "price and", await second.get("stock"), "stock");
second.rollback();
await mesh.close();
