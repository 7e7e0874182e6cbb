// A workflow of three functions behind Express, each at a node of its own: it says nothing about sessions but where it is set up.
import express from "express";
import { createMesh } from "@causalmesh/core";
import { memoryStore } from "@causalmesh/adapter-memory";
import { meshSession, sessionFetch } from "@causalmesh/express";

// The set-up.
const mesh = await createMesh({ nodes: 3, store: memoryStore() });
const ports = { order: 17420, pay: 17421, ship: 17422 };
const urls = Object.fromEntries(Object.entries(ports).map(([name, port]) => [name, `http://127.0.0.1:${port}`]));
const fetch = sessionFetch(mesh, { to: Object.values(urls), required: true });
const service = (node) => express().use(meshSession(mesh, { node }));

// The workflow.
const order = service("node-1").post("/", async (request, response) => {
  await mesh.set("order:42", { state: "placed" });
  await fetch(urls.pay, { method: "POST" });
  response.json(await mesh.getMany(["order:42", "parcel:42"]));
});
const pay = service("node-2").post("/", async (request, response) => {
  const { state } = await mesh.get("order:42");
  await mesh.set("order:42", { state: `${state}, paid` });
  await fetch(urls.ship, { method: "POST" });
  response.sendStatus(204);
});
const ship = service("node-3").post("/", async (request, response) => {
  const { state } = await mesh.get("order:42");
  await mesh.set("parcel:42", `for the order that is ${state}`);
  response.sendStatus(204);
});

const listen = (app, port) => new Promise((resolve) => (app = app.listen(port, "127.0.0.1", () => resolve(app))));
const servers = await Promise.all(Object.entries({ order, pay, ship }).map(([name, app]) => listen(app, ports[name])));
const answer = await globalThis.fetch(urls.order, { method: "POST" });
console.log(await answer.json());

for (const server of servers) server.close();
await mesh.close();
