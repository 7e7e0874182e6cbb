// A Step Functions workflow of three Lambda functions, each at a node of its own: it says nothing about sessions but where it is set up.
import { createMesh } from "@causalmesh/core";
import { memoryStore } from "@causalmesh/adapter-memory";
import { withSession } from "@causalmesh/aws-lambda";

// The set-up. On Lambda itself each function has a file of its own, and a mesh of `connect` or `connectHttp`.
const mesh = await createMesh({ nodes: 3, store: memoryStore() });

// The workflow: place the order, then pay and pack in parallel, then ship.
const place = async ({ order }) => {
  await mesh.set(`order:${order}`, "placed");
  return { order };
};
const branch =
  (step) =>
  async ({ order }) => {
    await mesh.set(`${step}:${order}`, `${step} after it was ${await mesh.get(`order:${order}`)}`);
    return { order };
  };
const ship = async ([{ order }]) => ({ shipped: await mesh.getMany([`pay:${order}`, `pack:${order}`]) });

// What the service does: it hands the output of each function, as JSON, to those that follow.
const invoke = (handler, node, input) => withSession(mesh, handler, { node })(JSON.parse(JSON.stringify(input)), {});
const placed = await invoke(place, "node-1", { order: 42 });
const outputs = await Promise.all([invoke(branch("pay"), "node-2", placed), invoke(branch("pack"), "node-3", placed)]);
const { shipped } = await invoke(ship, "node-1", outputs);
console.log(shipped);

await mesh.close();
