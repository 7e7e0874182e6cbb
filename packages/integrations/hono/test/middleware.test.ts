// The middleware in real Hono applications, in this process and behind a port, by the bytes of their answers.

import { connect as open } from "node:net";
import { serve } from "@hono/node-server";
import { createMesh, inspectToken, SESSION_HEADER, type Mesh } from "@causalmesh/core";
import { memoryStore } from "@causalmesh/adapter-memory";
import { Hono } from "hono";
import { stream } from "hono/streaming";
import { describe, expect, it, onTestFinished } from "vitest";
import { meshSession, sessionFetch } from "../src/index.js";

async function openMesh(): Promise<Mesh> {
  const mesh = await createMesh({ nodes: 3, store: memoryStore() });
  onTestFinished(() => mesh.close());
  return mesh;
}

/** Ends with the test. */
async function served(app: Hono): Promise<{ origin: string; port: number }> {
  return await new Promise((resolve) => {
    const server = serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }, ({ port }) => resolve({ origin: `http://127.0.0.1:${port}`, port }));
    onTestFinished(() => new Promise<void>((ended) => void server.close(() => ended())));
  });
}

async function bytesOf(port: number, request: string): Promise<string> {
  return await new Promise((resolve, reject) => {
    const socket = open(port, "127.0.0.1", () => socket.write(request));
    let text = "";
    socket.on("data", (bytes) => (text += bytes.toString("latin1")));
    socket.on("end", () => resolve(text));
    socket.on("error", reject);
  });
}

describe("meshSession", () => {
  it("sends with the answer the token of all that the handler did", async () => {
    const mesh = await openMesh();
    const app = new Hono();
    app.use(meshSession(mesh));
    app.put("/cart", async (context) => {
      await mesh.set("cart", await context.req.json(), { durability: "memory" });
      return context.json({ version: (await mesh.getEntry("cart")).version }, 201);
    });
    const { port } = await served(app);
    const bytes = await bytesOf(port, "PUT /cart HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 2\r\n\r\n[]");
    expect(bytes).toMatch(/^HTTP\/1.1 201 /);
    const [, version] = /"version":"([\d:]+)"/.exec(bytes)!;
    const { visible, own } = inspectToken(/^causalmesh-session: (\S+)\r$/im.exec(bytes)![1]);
    const [replica, counter] = version.split(":");
    expect((visible[replica] ?? 0) >= Number(counter) || own.some(({ write }) => write === version)).toBe(true);
  });

  it("lets a workflow go from server to server and see what it did", async () => {
    const mesh = await openMesh();
    const back = new Hono();
    back.use(meshSession(mesh, { node: "node-3", required: true }));
    back.post("/", async (context) => {
      await mesh.set("reply", `to ${await mesh.get("message")}`, { durability: "memory" });
      return context.body(null, 204);
    });
    const { origin } = await served(back);
    const front = new Hono();
    front.use(meshSession(mesh, { node: "node-1" }));
    const fetch = sessionFetch(mesh, { to: [origin], required: true });
    front.post("/:round", async (context) => {
      await mesh.set("message", `hello ${context.req.param("round")}`, { durability: "memory" });
      await fetch(origin, { method: "POST" });
      return context.text(String(await mesh.get("reply")));
    });
    for (let round = 0; round < 20; round++) expect(await (await front.request(`/${round}`, { method: "POST" })).text()).toBe(`to hello ${round}`);
  });

  it("answers 400 to a token that is missing or wrong, and carries the session also with a handler's failure", async () => {
    const mesh = await openMesh();
    const app = new Hono();
    app.use(meshSession(mesh, { required: true }));
    app.get("/", async () => {
      await mesh.set("k", 1);
      throw new Error("its own");
    });
    app.onError((error, context) => ("getResponse" in error ? (error as { getResponse(): Response }).getResponse() : context.text(error.message, 500)));
    const missing = await app.request("/");
    expect([missing.status, await missing.text()]).toEqual([400, expect.stringContaining("no session token in the header causalmesh-session")]);
    expect((await app.request("/", { headers: { [SESSION_HEADER]: "nonsense" } })).status).toBe(400);
    const token = await mesh.session().token();
    const failed = await app.request("/", { headers: { [SESSION_HEADER]: token } });
    expect([failed.status, await failed.text()]).toEqual([500, "its own"]);
    expect(await mesh.run(failed.headers.get(SESSION_HEADER)!, () => mesh.get("k"))).toBe(1);
  });

  it("refuses what comes after the token has left: a call that was not awaited, and one in a streamed body", async () => {
    const mesh = await openMesh();
    const app = new Hono();
    let late: string | undefined;
    app.use(meshSession(mesh));
    app.get("/careless", (context) => {
      void mesh.set("k", 1);
      return context.text("done");
    });
    app.get("/streamed", (context) =>
      stream(context, async (out) => {
        await new Promise((resolve) => setTimeout(resolve, 5));
        late = await mesh.get("k").then(
          () => "fine",
          ({ code }: { code: string }) => code,
        );
        await out.write("end");
      }),
    );
    app.onError((error, context) => context.text((error as { code?: string }).code ?? "none", 500));
    const careless = await app.request("/careless");
    expect([careless.status, await careless.text(), careless.headers.get(SESSION_HEADER)]).toEqual([500, "SESSION_BUSY", null]);
    expect(await (await app.request("/streamed")).text()).toBe("end");
    expect(late).toBe("NO_SESSION");
  });
});
