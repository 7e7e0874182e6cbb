// A function puts tea into the cart, and the next one, on another machine, shows the cart.
import { at, meshWith } from "./mesh.mjs";
import { plainCaches } from "./plain-caches.mjs";

const before = { cart: "empty" };

const { caches } = plainCaches(2, before);
caches[1].get("cart"); // somebody has looked at it there
caches[0].set("cart", "tea");
console.log("plain caches:", caches[1].get("cart"));

const mesh = await meshWith(before);
const first = at(mesh, 1);
await first.set("cart", "tea");
const second = at(mesh, 2, await first.token());
console.log("the mesh:", await second.get("cart"));
await mesh.close();
