// The client and the handler where there is nothing of Node.js: bundled as for the edge, in an edge runtime's own context.

import { AsyncLocalStorage } from "node:async_hooks";
import { EdgeVM } from "@edge-runtime/vm";
import { build } from "esbuild";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { apiKeys, ask, embedded, KEYS, served } from "./support/front.js";

/** One file without imports. What would need Node.js cannot be bundled for the browser. */
async function bundle(contents: string): Promise<string> {
  const resolveDir = fileURLToPath(new URL("..", import.meta.url));
  const { outputFiles } = await build({
    stdin: { contents, resolveDir },
    bundle: true,
    write: false,
    minify: true,
    format: "iife",
    globalName: "bundled",
    platform: "browser",
    target: "es2022",
  });
  return outputFiles[0].text;
}

/** Runs the code in the edge runtime, without `process`, `Buffer` and `require`. */
async function run<Result>(code: string, script: string, globals: Record<string, unknown> = {}): Promise<Result> {
  const vm = new EdgeVM({ extend: (context) => Object.assign(context, globals) });
  expect(vm.evaluate("[typeof process, typeof Buffer, typeof require, typeof fetch].join()")).toBe("undefined,undefined,undefined,function");
  vm.evaluate(`${code};globalThis.bundled = bundled;`);
  return JSON.parse(await vm.evaluate<Promise<string>>(`(async () => JSON.stringify(await (${script})()))()`)) as Result;
}

describe("in an edge runtime", () => {
  it("the client reads and writes, roams and tells failures by their codes", async () => {
    const mesh = await embedded();
    const { url } = await served(mesh, { apiKeys });
    const code = await bundle('export { connectHttp } from "./src/index.js"; export { MeshError } from "@causalmesh/core";');
    expect(/["'`]node:/.test(code)).toBe(false);
    const result = await run(
      code,
      `async () => {
        const options = { url: ${JSON.stringify(url)}, namespace: "blue", apiKey: ${JSON.stringify(KEYS.writer)} };
        const mesh = bundled.connectHttp(options);
        await mesh.ready();
        const session = mesh.session();
        await session.set("k", { at: new Date(5), bytes: new Uint8Array([1, 2]) }, { ttl: "1h" });
        await session.setMany([["a", 1], ["b", null]]);
        const next = bundled.connectHttp(options).session(await session.token());
        const value = await next.get("k");
        const codes = [];
        for (const call of [() => next.set("k", () => 1), () => mesh.session("AAAA").get("k"), () => mesh.status(), () => bundled.connectHttp({ ...options, apiKey: "wrong" }).ready()])
          codes.push(await call().then(() => "none", (error) => error instanceof bundled.MeshError && error.code));
        return { at: value.at.getTime(), bytes: [...value.bytes], many: await next.getMany(["a", "b", "c"]), has: await next.has("a"), version: (await next.getEntry("a")).version, codes };
      }`,
    );
    expect(result).toEqual({
      at: 5,
      bytes: [1, 2],
      many: [1, null, null],
      has: true,
      version: expect.stringMatching(/^\d+:\d+$/),
      codes: ["VALUE_INVALID", "TOKEN_MALFORMED", "FORBIDDEN", "UNAUTHENTICATED"],
    });
  });

  it("the session is ambient, by the AsyncLocalStorage that the runtime has as a global", async () => {
    const mesh = await embedded();
    const { url } = await served(mesh, { apiKeys });
    const result = await run(
      await bundle('export { connectHttp } from "./src/index.js";'),
      `async () => {
        const mesh = bundled.connectHttp({ url: ${JSON.stringify(url)}, namespace: "blue", apiKey: ${JSON.stringify(KEYS.writer)} });
        const token = await mesh.run(async () => {
          await mesh.set("k", "by the edge", { durability: "memory" });
          return await mesh.token();
        });
        const outside = await mesh.get("k").catch(({ code }) => code);
        return [outside, await mesh.run(token, () => mesh.get("k"))];
      }`,
      { AsyncLocalStorage },
    );
    expect(result).toEqual(["NO_SESSION", "by the edge"]);
  });

  it("says where the runtime has no AsyncLocalStorage", async () => {
    const result = await run(
      await bundle('export { connectHttp } from "./src/index.js";'),
      `async () => {
        const mesh = bundled.connectHttp({ url: "http://127.0.0.1:1", namespace: "blue" });
        return await mesh.run(() => 1).catch(({ code, message }) => [code, message]);
      }`,
    );
    expect(result).toEqual(["OPTION_INVALID", expect.stringContaining("use mesh.session(token) here")]);
  });

  it("the handler serves a mesh behind another front", async () => {
    const mesh = await embedded();
    const { url } = await served(mesh, { apiKeys });
    const code = await bundle('export { connectHttp, httpHandler } from "./src/index.js";');
    expect(/["'`]node:/.test(code)).toBe(false);
    const result = await run(
      code,
      `async () => {
        const mesh = bundled.connectHttp({ url: ${JSON.stringify(url)}, namespace: "blue", apiKey: ${JSON.stringify(KEYS.admin)} });
        const { fetch } = await bundled.httpHandler(mesh, { apiKeys: [{ name: "edge", key: "a-key-at-the-edge-itself", role: "write", namespaces: ["blue"] }] });
        const send = (method, init = {}) => fetch(new Request("https://edge.example/v1/blue/k", { method, ...init }));
        const headers = { authorization: "Bearer a-key-at-the-edge-itself", "content-type": "application/json" };
        const refused = await send("GET");
        const put = await send("PUT", { headers, body: '{"edge":true}' });
        const got = await send("GET", { headers: { ...headers, "causalmesh-session": put.headers.get("causalmesh-session") } });
        return [refused.status, put.status, got.status, await got.json()];
      }`,
    );
    expect(result).toEqual([401, 204, 200, { edge: true }]);
    expect((await ask(`${url}/v1/blue/k`, { key: KEYS.reader })).text).toBe('{"edge":true}');
  });

  it("the client is small: cold starts count", async () => {
    const code = await bundle('export { connectHttp } from "./src/index.js";');
    const zipped = await new Response(new Blob([code]).stream().pipeThrough(new CompressionStream("gzip"))).arrayBuffer();
    expect(zipped.byteLength).toBeLessThan(CLIENT_GZIP_BYTES_MAX);
  });
});

/** With the codec, the ambient sessions, transactions and the errors of the core. What its modules make when they are loaded is marked as pure, and so left out. */
const CLIENT_GZIP_BYTES_MAX = 11_250;
