// Sessions between servers, by the bytes on their connections.

import { createServer, type Server, type Socket } from "node:net";
import type { AddressInfo } from "node:net";
import { inspectToken, SESSION_HEADER, type Mesh } from "@causalmesh/core";
import { connectHttp } from "@causalmesh/transport-http";
import { serveHttp } from "@causalmesh/transport-http/node";
import { describe, expect, it, onTestFinished } from "vitest";
import { fetchHandler, sessionFetch, type SessionFetchOptions } from "../src/index.js";
import { codeOf, expectCovered, openMesh, write } from "./support/meshes.js";

interface RawServer {
  readonly origin: string;
  /** What has come in, request by request. */
  readonly requests: string[];
}

/** A server that keeps the bytes of each request and answers with the bytes given. */
async function rawServer(answer: (request: string) => Promise<string> | string): Promise<RawServer> {
  const requests: string[] = [];
  const server: Server = createServer((socket: Socket) => {
    socket.on("error", () => {});
    socket.once("data", (bytes) => {
      const text = bytes.toString("latin1");
      requests.push(text);
      void Promise.resolve(answer(text)).then((reply) => socket.end(reply));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => new Promise<void>((resolve) => void server.close(() => resolve())));
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
}

function tokenIn(bytes: string): string | undefined {
  return /^causalmesh-session: (\S+)\r$/im.exec(bytes)?.[1];
}

function ok(headers: string): string {
  return `HTTP/1.1 200 OK\r\n${headers}content-length: 2\r\nconnection: close\r\n\r\nok`;
}

function fetchOf(mesh: Mesh, origin: string, options: Partial<SessionFetchOptions> = {}): typeof fetch {
  return sessionFetch(mesh, { to: [origin], ...options });
}

describe("sessionFetch", () => {
  it("sends the session as it is at that moment, and has joined what came back", async () => {
    const mesh = await openMesh();
    let theirs = "";
    const server = await rawServer(async (request) =>
      mesh.run(tokenIn(request), async () => {
        theirs = await write(mesh, "theirs");
        return ok(`${SESSION_HEADER}: ${await mesh.token()}\r\n`);
      }),
    );
    const fetch = fetchOf(mesh, server.origin);
    await mesh.run(async () => {
      const mine = await write(mesh, "mine");
      expect(await (await fetch(`${server.origin}/f`, { headers: { a: "1" } })).text()).toBe("ok");
      expect(server.requests[0]).toMatch(/^a: 1\r$/m);
      expectCovered(tokenIn(server.requests[0]), mine);
      expectCovered(await mesh.token(), theirs);
      expect(await mesh.get("theirs")).toBe("theirs");
    });
  });

  it("sends nothing to others", async () => {
    const mesh = await openMesh();
    const [ours, others] = [await rawServer(() => ok("")), await rawServer(() => ok(""))];
    const fetch = fetchOf(mesh, ours.origin);
    await mesh.run(() => fetch(others.origin));
    await fetch(others.origin);
    expect(others.requests.map(tokenIn)).toEqual([undefined, undefined]);
    await mesh.run(() => sessionFetch(mesh, { to: (url) => url.pathname === "/ours" })(`${others.origin}/ours`));
    expect(tokenIn(others.requests[2])).toBeDefined();
    expect(() => fetchOf(mesh, "orders")).toThrow(expect.objectContaining({ code: "OPTION_INVALID" }));
  });

  it("does not follow a redirect, which would take the session to wherever it leads", async () => {
    const mesh = await openMesh();
    const others = await rawServer(() => ok(""));
    const ours = await rawServer(() => `HTTP/1.1 307 Temporary Redirect\r\nlocation: ${others.origin}/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`);
    const fetch = fetchOf(mesh, ours.origin);
    expect(await codeOf(mesh.run(() => fetch(ours.origin)))).toBe("FORBIDDEN");
    expect((await mesh.run(() => fetch(ours.origin, { redirect: "manual" }))).status).toBe(307);
    expect([ours.requests.length, others.requests.length]).toEqual([2, 0]);
  });

  it("sends bodies and methods as they are", async () => {
    const mesh = await openMesh();
    const server = await rawServer(() => ok(""));
    await mesh.run(() => fetchOf(mesh, server.origin)(`${server.origin}/f`, { method: "PUT", headers: { "content-type": "text/plain" }, body: "the body" }));
    expect(server.requests[0]).toMatch(/^PUT \/f HTTP/);
    expect(server.requests[0]).toMatch(/content-type: text\/plain\r$/im);
    expect(server.requests[0]).toMatch(/content-length: 8\r$/im);
  });

  it("makes branches of parallel calls, and joins them", async () => {
    const mesh = await openMesh();
    const versions: string[] = [];
    const server = await rawServer(async (request) =>
      mesh.run(tokenIn(request), async () => {
        versions.push(await write(mesh, /GET \/(\w+)/.exec(request)![1]));
        return ok(`${SESSION_HEADER}: ${await mesh.token()}\r\n`);
      }),
    );
    const fetch = fetchOf(mesh, server.origin);
    await mesh.run(async () => {
      await Promise.all(["left", "right"].map((name) => fetch(`${server.origin}/${name}`)));
      const token = await mesh.token();
      for (const version of versions) expectCovered(token, version);
      expect(await mesh.getMany(["left", "right"])).toEqual(["left", "right"]);
    });
    expect(versions).toHaveLength(2);
  });

  it("outside of a session, beside a call, and without the token that is required is refused", async () => {
    const mesh = await openMesh();
    const server = await rawServer(() => ok(""));
    const fetch = fetchOf(mesh, server.origin);
    expect(await codeOf(fetch(server.origin))).toBe("NO_SESSION");
    await mesh.run(async () => {
      const call = mesh.set("k", 1);
      expect(await codeOf(fetch(server.origin))).toBe("SESSION_BUSY");
      await call;
    });
    expect(server.requests, "no request has left").toEqual([]);
    expect(await codeOf(mesh.run(() => fetchOf(mesh, server.origin, { required: true })(server.origin)))).toBe("TOKEN_MISSING");
  });

  it("refuses what another mesh answered", async () => {
    const [mesh, other] = [await openMesh(), await openMesh()];
    const token = await other.session().token();
    const server = await rawServer(() => ok(`${SESSION_HEADER}: ${token}\r\n`));
    expect(await codeOf(mesh.run(() => fetchOf(mesh, server.origin)(server.origin)))).toBe("TOKEN_OTHER_MESH");
  });
});

describe("fetchHandler", () => {
  it("makes the request's session ambient, and answers with all that was done", async () => {
    const mesh = await openMesh();
    const before = await mesh.run(async () => ({ version: await write(mesh, "before"), token: await mesh.token() }));
    let version = "";
    const handler = fetchHandler(mesh, async (_request, word: string) => {
      expect(await mesh.get("before")).toBe("before");
      version = await write(mesh, "k");
      return new Response(word, { status: 201, headers: { a: "1" } });
    });
    const response = await handler(new Request("http://a.example", { headers: { [SESSION_HEADER]: before.token } }), "done");
    expect([response.status, response.headers.get("a"), await response.text()]).toEqual([201, "1", "done"]);
    const token = response.headers.get(SESSION_HEADER);
    expectCovered(token, version);
    expectCovered(token, before.version);
  });

  it("answers 400 where the token is wrong or missing, and hands on the handler's own errors", async () => {
    const mesh = await openMesh();
    const handler = fetchHandler(mesh, () => Promise.reject(new Error("its own")), { required: true });
    const refused = await handler(new Request("http://a.example"));
    expect([refused.status, ((await refused.json()) as { code: string }).code]).toEqual([400, "TOKEN_MISSING"]);
    const malformed = await handler(new Request("http://a.example", { headers: { [SESSION_HEADER]: "nonsense" } }));
    expect([malformed.status, ((await malformed.json()) as { code: string }).code]).toEqual([400, "TOKEN_MALFORMED"]);
    await expect(handler(new Request("http://a.example", { headers: { [SESSION_HEADER]: await mesh.session().token() } }))).rejects.toThrow("its own");
    const polite = fetchHandler(mesh, () => new Response(), { required: true, refuse: ({ code }) => new Response(code, { status: 428 }) });
    expect(await (await polite(new Request("http://a.example"))).text()).toBe("TOKEN_MISSING");
  });

  it("works with a mesh behind HTTP, whose tokens the front checks", async () => {
    const embedded = await openMesh();
    const front = await serveHttp(embedded, { allowUnauthenticated: true });
    onTestFinished(() => front.close());
    const mesh = connectHttp({ url: front.url, namespace: "shop" });
    const handler = fetchHandler(mesh, async () => new Response(await write(mesh, "k")));
    const response = await handler(new Request("http://a.example"));
    const token = response.headers.get(SESSION_HEADER)!;
    expectCovered(token, await response.text());
    expect(inspectToken(token, "the secret of this test's mesh").signature).toBe("valid");
    expect(await mesh.run(token, () => mesh.get("k"))).toBe("k");
  });
});
