// One function of a workflow in a process of its own: adds its name to the list that the functions before it have made, and calls the next one.
// Arguments: tcp or http, the node's address or the front's URL, the function's name, the next one's URL where there is one. Prints its own URL.

import { serve } from "@hono/node-server";
import { connectHttp } from "@causalmesh/transport-http";
import { connect } from "@causalmesh/transport-tcp";
import { Hono } from "hono";
import { meshSession, sessionFetch } from "@causalmesh/hono";

const [kind, address, name, next] = process.argv.slice(2);
const mesh = kind === "tcp" ? await connect({ nodes: [address], secret: process.env.SECRET }) : connectHttp({ url: address, namespace: "shop" });
const fetch = sessionFetch(mesh, { to: next === undefined ? [] : [next], required: true });

const app = new Hono();
app.use(meshSession(mesh, { node: address }));
app.post("/:key", async (context) => {
  const key = context.req.param("key");
  await mesh.set(key, [...((await mesh.get(key)) ?? []), name], { durability: "memory" });
  if (next !== undefined) await fetch(`${next}/${key}`, { method: "POST" });
  return context.json(await mesh.get(key));
});

const server = serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }, ({ port }) => console.log(`http://127.0.0.1:${port}`));
process.on("SIGTERM", () => {
  server.close();
  void mesh.close();
});
