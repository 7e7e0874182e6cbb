// Somebody reads a question and answers it on another machine. Somebody else, who has seen the answer, looks for the question.
import { at, meshWith } from "./mesh.mjs";
import { plainCaches } from "./plain-caches.mjs";

const { caches } = plainCaches(3);
caches[2].get("question"); // it was looked for before it was there
caches[0].set("question", "Tea?");
caches[1].set("answer", `${caches[1].get("question")} Yes.`);
console.log("plain caches:", caches[2].get("answer"), "but the question is", caches[2].get("question"));

const mesh = await meshWith();
const asks = at(mesh, 1);
await asks.set("question", "Tea?", { durability: "everywhere" });
const reads = at(mesh, 1);
const question = await reads.get("question");
const answers = at(mesh, 2, await reads.token());
await answers.set("answer", `${question} Yes.`, { durability: "everywhere" });
const looks = at(mesh, 3);
console.log("the mesh:", await looks.get("answer"), "and the question is", await looks.get("question"));
await mesh.close();
