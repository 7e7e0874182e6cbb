// Parallel branches of a workflow: each goes on with a copy of the session, and the function that joins them has seen what both did.
import { createMesh } from "@causalmesh/core";
import { memoryStore } from "@causalmesh/adapter-memory";

const mesh = await createMesh({ nodes: 3, store: memoryStore() });

async function upload(session, part, text) {
  await session.set(`review:1:${part}`, text);
  return await session.token();
}

const start = mesh.session();
await start.set("review:1", "uploading");
const tokens = await Promise.all([upload(start.fork(), "title", "Great"), upload(start.fork(), "text", "I laughed.")]);

const joined = mesh.session(tokens, { node: "node-2" });
console.log(await joined.getMany(["review:1", "review:1:title", "review:1:text"]));

await mesh.close();
