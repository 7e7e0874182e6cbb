// Changes that all count: functions that run at the same time on different nodes add to one counter and one set, and nothing is lost.
import { createMesh } from "@causalmesh/core";
import { memoryStore } from "@causalmesh/adapter-memory";

const mesh = await createMesh({ nodes: 3, store: memoryStore() });

async function visit(node, tag) {
  const session = mesh.session(undefined, { node });
  await session.increment("visits");
  await session.addMembers("tags", [tag, "seen"]);
  return await session.token();
}

const tokens = await Promise.all([visit("node-1", "red"), visit("node-2", "green"), visit("node-3", "blue")]);
const joined = mesh.session(tokens);
console.log(await joined.count("visits"), await joined.members("tags"));

await joined.increment("visits", -1);
await joined.removeMembers("tags", ["seen"]);
console.log(await joined.count("visits"), await joined.members("tags"));

await mesh.close();
