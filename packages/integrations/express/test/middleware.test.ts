// The middleware in real Express applications, by the bytes of their answers.

import { createRequire } from "node:module";
import { createServer, request as ask, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { createMesh, inspectToken, SESSION_HEADER, type Mesh } from "@causalmesh/core";
import { memoryStore } from "@causalmesh/adapter-memory";
import express, { type ErrorRequestHandler, type Express } from "express";
import { describe, expect, it, onTestFinished } from "vitest";
import { meshSession, sessionFetch, type ReceiveOptions } from "../src/index.js";

/** Express 4 has no types of its own; what is used here is the same in both. */
const express4 = createRequire(import.meta.url)("express4") as typeof express;

async function setUp(options?: ReceiveOptions, make = express): Promise<{ mesh: Mesh; app: Express; url: () => Promise<string> }> {
  const mesh = await createMesh({ nodes: 3, store: memoryStore() });
  onTestFinished(() => mesh.close());
  const app = make();
  app.use(meshSession(mesh, options));
  app.use(make.json());
  return { mesh, app, url: () => listen(app) };
}

async function listen(app: Express): Promise<string> {
  const fallback: ErrorRequestHandler = (error: { status?: number; code?: string; message: string }, _request, response, _next) => {
    response.status(error.status ?? 500).json({ code: error.code, message: error.message });
  };
  app.use(fallback);
  const server: Server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => new Promise<void>((resolve) => (server.close(() => resolve()), server.closeAllConnections())));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function expectCovered(token: string | null, version: string): void {
  const [replica, counter] = version.split(":");
  const { visible, own } = inspectToken(token!);
  expect((visible[replica] ?? 0) >= Number(counter) || own.some(({ write }) => write === version)).toBe(true);
}

describe("meshSession", () => {
  it.each([
    ["5", express],
    ["4", express4],
  ])("sends with every kind of answer the token of all that the handler did: Express %s", async (_version, make) => {
    const { mesh, app, url } = await setUp(undefined, make);
    const write = async (): Promise<string> => {
      await mesh.set("k", 1, { durability: "memory" });
      return (await mesh.getEntry("k")).version!;
    };
    app.post("/json", async (_, response) => void response.status(201).json({ version: await write() }));
    app.post("/end", async (_, response) => void response.setHeader("x-version", await write()).end());
    app.post("/head", async (_, response) => void response.writeHead(202, { "x-version": await write() }).end("text"));
    app.post("/pieces", async (_, response) => {
      response.setHeader("x-version", await write());
      for (const piece of ["one ", "two ", "three"]) {
        if (!response.write(piece)) await new Promise((resolve) => response.once("drain", resolve));
      }
      response.end();
    });
    const origin = await url();
    for (const [path, status, text] of [
      ["json", 201, /^\{"version":"\d:\d+"\}$/],
      ["end", 200, /^$/],
      ["head", 202, /^text$/],
      ["pieces", 200, /^one two three$/],
    ] as const) {
      const response = await fetch(`${origin}/${path}`, { method: "POST", headers: { "content-type": "application/json" }, body: "{}" });
      const body = await response.text();
      expect([path, response.status, body]).toEqual([path, status, expect.stringMatching(text)]);
      expectCovered(response.headers.get(SESSION_HEADER), response.headers.get("x-version") ?? (JSON.parse(body) as { version: string }).version);
    }
  });

  it("lets a workflow go from server to server and see what it did", async () => {
    const back = await setUp({ node: "node-3", required: true });
    const { mesh } = back;
    back.app.post("/", async (_, response) => {
      await mesh.set("reply", `to ${await mesh.get("message")}`, { durability: "memory" });
      response.sendStatus(204);
    });
    const origin = await back.url();
    const front = express();
    front.use(meshSession(mesh, { node: "node-1" }));
    const fetchOurs = sessionFetch(mesh, { to: [origin], required: true });
    front.get("/:round", async (request, response) => {
      await mesh.set("message", `hello ${request.params.round}`, { durability: "memory" });
      await fetchOurs(origin, { method: "POST" });
      response.send(await mesh.get("reply"));
    });
    const url = await listen(front);
    for (let round = 0; round < 20; round++) expect(await (await fetch(`${url}/${round}`)).text()).toBe(`to hello ${round}`);
  });

  it("hands a token that is missing or wrong to the error handler, with status 400", async () => {
    const { app, url } = await setUp({ required: true });
    app.get("/", (_, response) => void response.send("never"));
    const origin = await url();
    const missing = await fetch(origin);
    expect([missing.status, await missing.json()]).toMatchObject([400, { code: "TOKEN_MISSING" }]);
    const wrong = await fetch(origin, { headers: { [SESSION_HEADER]: "nonsense" } });
    expect([wrong.status, await wrong.json()]).toMatchObject([400, { code: "TOKEN_MALFORMED" }]);
  });

  it("carries the session also with a handler's failure", async () => {
    const { mesh, app, url } = await setUp();
    app.get("/", async () => {
      await mesh.set("k", 1, { durability: "memory" });
      throw new Error("its own");
    });
    const response = await fetch(await url());
    expect([response.status, await response.json()]).toMatchObject([500, { message: "its own" }]);
    expect(await mesh.run(response.headers.get(SESSION_HEADER)!, () => mesh.get("k"))).toBe(1);
  });

  it("refuses an answer that is sent while a call is under way, and calls after the answer", async () => {
    const { mesh, app, url } = await setUp();
    let late: Promise<unknown> | undefined;
    app.get("/careless", (_, response) => {
      void mesh.set("k", 1);
      response.setHeader("x-version", "of the answer that is not sent").json({ never: true });
      // Whoever asks takes the answer for sent.
      expect(response.headersSent).toBe(true);
    });
    app.get("/late", (_, response) => {
      response.send("early");
      late = sleep(1).then(() => mesh.get("k"));
      late.catch(() => {});
    });
    const origin = await url();
    const careless = await fetch(`${origin}/careless`);
    expect([careless.status, careless.headers.get("x-version"), await careless.json()]).toMatchObject([500, null, { code: "SESSION_BUSY" }]);
    expect(await (await fetch(`${origin}/late`)).text()).toBe("early");
    await expect(late).rejects.toMatchObject({ code: "NO_SESSION" });
  });

  it("leaves a keep-alive connection as it was, and answers HEAD", async () => {
    const { mesh, app, url } = await setUp();
    app.get("/", async (_, response) => void response.send(String(await mesh.has("k"))));
    const origin = await url();
    for (const method of ["GET", "HEAD", "GET"]) {
      const answer = await new Promise<{ session: string; status: number }>((resolve, reject) => {
        ask(origin, { method }, (message) => {
          message.resume();
          message.on("end", () => resolve({ session: String(message.headers[SESSION_HEADER]), status: message.statusCode! }));
        })
          .on("error", reject)
          .end();
      });
      expect(answer).toEqual({ session: expect.stringMatching(/^[\w-]{40,}$/), status: 200 });
    }
  });
});
