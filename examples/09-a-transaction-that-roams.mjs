// A transaction that goes from function to function: it reads one snapshot at whichever node, and what it writes is seen all at once.
import { createMesh } from "@causalmesh/core";
import { memoryStore } from "@causalmesh/adapter-memory";

const mesh = await createMesh({ nodes: 3, store: memoryStore() });

const setup = mesh.session(undefined, { node: "node-1" });
await setup.setMany(Object.entries({ "stock:tea": 5, "price:tea": 3 }), { durability: "everywhere" });

// The first function looks at the stock, and hands on the open transaction.
async function reserve(token) {
  const tx = mesh.session(token, { node: "node-1" }).begin();
  await tx.set("stock:tea", (await tx.get("stock:tea")) - 1);
  return await tx.token();
}

// The second one runs somewhere else, after the price has changed: it sees the price that was there with the stock.
async function order(token) {
  const tx = mesh.transaction(token, { node: "node-2" });
  await tx.set("order:1", { price: await tx.get("price:tea") });
  await tx.commit();
  return await tx.session.token();
}

const open = await reserve(await setup.token());
await mesh.session(undefined, { node: "node-3" }).set("price:tea", 4, { durability: "everywhere" });
const done = await order(open);
console.log(await mesh.session(done, { node: "node-3" }).getMany(["stock:tea", "order:1", "price:tea"]));

// The same token once more, as where a function is run twice: it is the same order.
await order(open);
console.log(await mesh.session(done).get("stock:tea"));

await mesh.close();
