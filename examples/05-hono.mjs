// A workflow of three functions behind Hono, each at a node of its own: it says nothing about sessions but where it is set up.
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { createMesh } from "@causalmesh/core";
import { memoryStore } from "@causalmesh/adapter-memory";
import { meshSession, sessionFetch } from "@causalmesh/hono";

// The set-up.
const mesh = await createMesh({ nodes: 3, store: memoryStore() });
const ports = { order: 17410, pay: 17411, ship: 17412 };
const urls = Object.fromEntries(Object.entries(ports).map(([name, port]) => [name, `http://127.0.0.1:${port}`]));
const fetch = sessionFetch(mesh, { to: Object.values(urls), required: true });
const service = (node) => new Hono().use(meshSession(mesh, { node }));

// The workflow.
const order = service("node-1").post("/", async (context) => {
  await mesh.set("order:42", { state: "placed" });
  await fetch(urls.pay, { method: "POST" });
  return context.json(await mesh.getMany(["order:42", "parcel:42"]));
});
const pay = service("node-2").post("/", async (context) => {
  const { state } = await mesh.get("order:42");
  await mesh.set("order:42", { state: `${state}, paid` });
  await fetch(urls.ship, { method: "POST" });
  return context.body(null, 204);
});
const ship = service("node-3").post("/", async (context) => {
  const { state } = await mesh.get("order:42");
  await mesh.set("parcel:42", `for the order that is ${state}`);
  return context.body(null, 204);
});

const servers = Object.entries({ order, pay, ship }).map(([name, app]) => serve({ fetch: app.fetch, port: ports[name], hostname: "127.0.0.1" }));
const answer = await globalThis.fetch(urls.order, { method: "POST" });
console.log(await answer.json());

for (const server of servers) server.close();
await mesh.close();
