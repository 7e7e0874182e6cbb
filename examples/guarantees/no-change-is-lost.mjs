// Two functions on different machines count a visit each, at the same time. How many visits were there?
import { at, meshWith } from "./mesh.mjs";
import { plainCaches } from "./plain-caches.mjs";

const { database, caches } = plainCaches(2, { visits: 0 });
const seen = caches.map((cache) => cache.get("visits"));
caches.forEach((cache, machine) => cache.set("visits", seen[machine] + 1));
console.log("plain caches:", database.get("visits"), "of 2 visits");

const mesh = await meshWith();
const both = [at(mesh, 1), at(mesh, 2)];
await Promise.all(both.map((session) => session.increment("visits")));
const later = at(mesh, 3, await Promise.all(both.map((session) => session.token())));
console.log("the mesh:", await later.count("visits"), "of 2 visits");
await mesh.close();
