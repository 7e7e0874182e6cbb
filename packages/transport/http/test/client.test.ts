// The fetch client: fail-over, retries, what it says when something fails, and what leaves the process.

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished, describe, expect, it } from "vitest";
import { connectHttp } from "../src/index.js";
import { slowMesh } from "./support/slow-mesh.js";
import { apiKeys, embedded, KEYS, served } from "./support/front.js";

/** A server that answers as it is told. */
async function scripted(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const problem =
  (status: number, code: string, more: object = {}) =>
  (_: IncomingMessage, response: ServerResponse) => {
    response.writeHead(status, { "content-type": "application/problem+json" });
    response.end(JSON.stringify({ code, detail: `the detail of ${code}`, retryable: false, status, ...more }));
  };

describe("a client over HTTP", () => {
  it("sends the token of the last answer, the namespace, the API key, and what a write asks for", async () => {
    const sent: { method?: string; url: string; headers: Headers }[] = [];
    const mesh = await embedded();
    const { url } = await served(mesh, { apiKeys });
    const spy = async (to: string, init: RequestInit): Promise<Response> => {
      const response = await fetch(to, init);
      sent.push({ method: init.method, url: to.slice(url.length), headers: new Headers(init.headers as Record<string, string>) });
      answers.push(response.headers.get("causalmesh-session")!);
      return response;
    };
    const answers: string[] = [];
    const session = connectHttp({ url: `${url}/`, namespace: "blue", apiKey: KEYS.writer, fetch: spy, durability: "stored" }).session();
    await session.set("a/b", 1, { ttl: "5s" });
    await session.get("a/b");
    await session.delete("a/b", { durability: "memory" });
    expect(sent.map(({ method, url: path }) => `${method} ${path}`)).toEqual([
      "PUT /v1/blue/a%2Fb?durability=stored&ttl=5000ms",
      "GET /v1/blue/a%2Fb",
      "DELETE /v1/blue/a%2Fb?durability=memory",
    ]);
    expect(sent.map(({ headers }) => headers.get("causalmesh-session"))).toEqual([null, answers[0], answers[1]]);
    expect(sent.every(({ headers }) => headers.get("authorization") === `Bearer ${KEYS.writer}`)).toBe(true);
    expect(await session.token()).toBe(answers[2]);
    expect(sent).toHaveLength(3);
  });

  it("counts and gathers as any session does, and does not count twice what it does not know", async () => {
    const mesh = await embedded({ nodes: 2 });
    const fronts = await Promise.all(["node-1", "node-2"].map((node) => served(mesh, { node, apiKeys })));
    const client = connectHttp({ url: fronts.map(({ url }) => url), namespace: "blue", apiKey: KEYS.writer });
    let session = client.session(undefined, { node: fronts[0].url });
    for (const { url } of fronts) {
      await session.increment("visits");
      await session.increment("visits", 2);
      await session.addMembers("tags", [url, "both"]);
      session = client.session(await session.token(), { node: url });
    }
    expect(await session.count("visits")).toBe(6);
    await session.removeMembers("tags", ["both"]);
    expect(await session.members("tags")).toEqual(fronts.map(({ url }) => url).sort());
    expect(await mesh.session(await session.token(), { namespace: "blue" }).count("visits")).toBe(6);
    await expect(session.increment("visits", 0.5)).rejects.toMatchObject({ code: "VALUE_INVALID" });
    await expect(session.addMembers("tags", [1] as unknown as string[])).rejects.toMatchObject({ code: "VALUE_INVALID" });
    const silent = await scripted((request) => request.socket.destroy());
    const lost = connectHttp({ url: silent, namespace: "blue", apiKey: KEYS.writer }).session();
    await expect(lost.increment("visits")).rejects.toMatchObject({ code: "OUTCOME_UNKNOWN" });
  });

  it("goes on at another address when its own ends, with all that it has seen", async () => {
    const mesh = await embedded({ nodes: 2 });
    const [first, second] = await Promise.all(["node-1", "node-2"].map((node) => served(mesh, { node, apiKeys })));
    const client = connectHttp({ url: [first.url, second.url], namespace: "blue", apiKey: KEYS.writer });
    const session = client.session(undefined, { node: first.url });
    await session.set("k", 1, { durability: "memory" });
    await first.close();
    expect(await session.get("k")).toBe(1);
    expect(session.node).toBe(second.url);
    await session.set("k", 2);
    expect(() => client.session(undefined, { node: "http://elsewhere.example" })).toThrow(expect.objectContaining({ code: "OPTION_INVALID" }));
  });

  it("loses nothing of calls that it makes at a time, before any node but the writer's shows it", async () => {
    const { mesh } = await slowMesh(100);
    const [first, second] = await Promise.all(["n1", "n2"].map((node) => served(mesh, { node })));
    const client = connectHttp({ url: [first.url, second.url], namespace: "blue" });
    const session = client.session(undefined, { node: first.url });
    const keys = Array.from({ length: 10 }, (_, index) => `k${index}`);
    await Promise.all(keys.map((key, index) => session.set(key, index, { durability: "memory" })));
    const next = client.session(await session.token(), { node: second.url });
    expect(await next.getMany(keys)).toEqual(keys.map((_, index) => index));
  });

  it("tries again what the server says may succeed, and waits as long as it says", async () => {
    let calls = 0;
    const url = await scripted((request, response) => {
      calls += 1;
      if (calls === 1) return problem(503, "OVERLOADED", { retryable: true, retryAfterMs: 120 })(request, response);
      response.writeHead(204, { "causalmesh-session": "token" });
      response.end();
    });
    const begin = performance.now();
    await connectHttp({ url, namespace: "n" }).session().set("k", 1);
    expect([calls, performance.now() - begin > 110]).toEqual([2, true]);
  });

  it("does not try again what it was refused", async () => {
    let calls = 0;
    const url = await scripted((request, response) => {
      calls += 1;
      problem(403, "FORBIDDEN")(request, response);
    });
    await expect(connectHttp({ url, namespace: "n" }).session().set("k", 1)).rejects.toMatchObject({
      name: "MeshError",
      code: "FORBIDDEN",
      message: "the detail of FORBIDDEN",
      retryable: false,
    });
    expect(calls).toBe(1);
  });

  it("says that a write's outcome is unknown, where it may not be made again", async () => {
    let calls = 0;
    const url = await scripted((request) => {
      calls += 1;
      request.socket.destroy();
    });
    const options = { url, namespace: "n", timeoutMs: 2_000 };
    await expect(
      connectHttp({ ...options, retryWrites: false })
        .session()
        .set("k", 1),
    ).rejects.toMatchObject({ code: "OUTCOME_UNKNOWN" });
    expect(calls).toBe(1);
    await expect(connectHttp(options).session().set("k", 1)).rejects.toMatchObject({ code: "NODE_UNREACHABLE" });
    expect(calls).toBe(4);
  });

  it("gives up in time where nobody answers, and when it is aborted or closed", async () => {
    const url = await scripted(() => undefined);
    const mesh = connectHttp({ url, namespace: "n", timeoutMs: 150 });
    await expect(mesh.session().get("k")).rejects.toMatchObject({ code: "TIMEOUT" });
    const aborted = mesh.session().get("k", { signal: AbortSignal.timeout(30), timeoutMs: 10_000 });
    await expect(aborted).rejects.toMatchObject({ code: "ABORTED" });
    const under = mesh.session().get("k", { timeoutMs: 10_000 });
    setTimeout(() => void mesh.close(), 30);
    await expect(under).rejects.toMatchObject({ code: "CLOSED" });
  });

  it.each([
    ["a page of a proxy's", (_: IncomingMessage, response: ServerResponse) => response.writeHead(502).end("<html>Bad Gateway</html>")],
    ["an answer without a session", (_: IncomingMessage, response: ServerResponse) => response.writeHead(404).end("{}")],
    [
      "a redirection, as the API key belongs nowhere else",
      (_: IncomingMessage, response: ServerResponse) => response.writeHead(302, { location: "http://127.0.0.1:1/" }).end(),
    ],
    ["codes of HTTP's own", problem(405, "METHOD_NOT_ALLOWED")],
  ])("takes %s for PROTOCOL", async (_, answer) => {
    const url = await scripted(answer);
    await expect(connectHttp({ url, namespace: "n" }).session().get("k")).rejects.toMatchObject({ code: "PROTOCOL" });
  });

  it.each([
    [{ url: "mesh://127.0.0.1:7400", namespace: "n" }, "ADDRESS_INVALID"],
    [{ url: "http://user@host", namespace: "n" }, "ADDRESS_INVALID"],
    [{ url: "no url", namespace: "n" }, "ADDRESS_INVALID"],
    [{ url: [], namespace: "n" }, "OPTION_INVALID"],
    [{ url: "http://host", namespace: "" }, "OPTION_INVALID"],
    [{ url: "http://host" }, "OPTION_INVALID"],
    [{ url: "http://host", namespace: "n", apiKey: "a b" }, "OPTION_INVALID"],
    [{ url: "http://host", namespace: "n", timeoutMs: 0 }, "OPTION_INVALID"],
  ])("refuses %j with %s", (options, code) => {
    expect(() => connectHttp(options as never)).toThrow(expect.objectContaining({ code }));
  });

  it("shows the mesh's status to an admin", async () => {
    const { url } = await served(await embedded({ nodes: 3 }), { apiKeys });
    expect((await connectHttp({ url, namespace: "n", apiKey: KEYS.admin }).status()).members).toHaveLength(3);
    await expect(connectHttp({ url, namespace: "blue", apiKey: KEYS.writer }).status()).rejects.toMatchObject({ code: "FORBIDDEN" });
  });

  it("refuses the keys . and .., which no URL can say", async () => {
    const session = connectHttp({ url: "http://127.0.0.1:1", namespace: "n" }).session();
    for (const key of [".", ".."]) await expect(session.get(key)).rejects.toMatchObject({ code: "KEY_INVALID" });
  });
});
