// A Temporal workflow of three activities, each at a node of its own: it says nothing about sessions but where it is set up.
// There is no Temporal server here: the interceptors are called as a worker and the server would, with bytes in between.
import { createMesh } from "@causalmesh/core";
import { memoryStore } from "@causalmesh/adapter-memory";
import { sessionActivityInterceptor } from "@causalmesh/temporal";
import { interceptors } from "@causalmesh/temporal/workflow";
import { defaultPayloadConverter } from "@temporalio/common";
import { composeInterceptors } from "@temporalio/common/lib/interceptors.js";

// The set-up. With a worker it is:
//   Worker.create({ …, interceptors: {
//     workflowModules: [fileURLToPath(import.meta.resolve("@causalmesh/temporal/workflow"))],
//     activity: [() => ({ inbound: sessionActivityInterceptor(mesh) })],
//   } })
const mesh = await createMesh({ nodes: 3, store: memoryStore() });

// The activities, and the workflow.
const activities = {
  place: (order) => mesh.set(`order:${order}`, "placed"),
  pay: async (order) => mesh.set(`order:${order}`, `${await mesh.get(`order:${order}`)}, paid`),
  ship: async (order) => `shipped what was ${await mesh.get(`order:${order}`)}`,
};
async function workflow({ place, pay, ship }, order) {
  await place(order);
  await pay(order);
  return await ship(order);
}

// What the worker and the server do.
const nodes = { place: "node-1", pay: "node-2", ship: "node-3" };
const stored = (value) => defaultPayloadConverter.fromPayload(defaultPayloadConverter.toPayload(value));
const schedule = composeInterceptors(interceptors().outbound, "scheduleActivity", async ({ activityType, args, headers }) => {
  const worker = sessionActivityInterceptor(mesh, { node: nodes[activityType] });
  return stored(await worker.execute({ args: stored(args), headers }, (call) => activities[activityType](...call.args)));
});
const stub = (activityType) => [activityType, (...args) => schedule({ activityType, args, headers: {}, options: {}, seq: 1 })];
console.log(await workflow(Object.fromEntries(Object.keys(activities).map(stub)), 42));

await mesh.close();
