// Two functions set the same key at the same time on different machines. Later, when nothing happens any more, each machine is asked.
import { at, meshWith } from "./mesh.mjs";
import { plainCaches } from "./plain-caches.mjs";

const { caches } = plainCaches(2);
caches[0].set("leader", "Ann");
caches[1].set("leader", "Bob");
console.log("plain caches:", caches[0].get("leader") === caches[1].get("leader") ? "agree" : "disagree for ever");

const mesh = await meshWith();
const both = [at(mesh, 1), at(mesh, 2)];
await Promise.all([both[0].set("leader", "Ann", { durability: "everywhere" }), both[1].set("leader", "Bob", { durability: "everywhere" })]);
const leaders = await Promise.all([1, 2, 3].map((machine) => at(mesh, machine).get("leader")));
console.log("the mesh:", new Set(leaders).size === 1 ? "agrees" : "disagrees");
await mesh.close();
