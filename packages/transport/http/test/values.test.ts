// What HTTP writes, the SDK reads, and the reverse; bytes come back as they were; versions, conditions, and what is refused.

import { describe, expect, it } from "vitest";
import { ask, embedded, served } from "./support/front.js";

async function front() {
  const mesh = await embedded();
  const { url } = await served(mesh);
  const sdk = async (token: string | undefined) => mesh.session(token, { namespace: "shop" });
  const at = (key: string) => `${url}/v1/shop/${key}`;
  return { mesh, url, sdk, at };
}

describe("JSON", () => {
  it.each([
    ['{"items":["tea"],"n":1.5}', { items: ["tea"], n: 1.5 }],
    ['"text"', "text"],
    ["null", null],
    ["[]", []],
    ['{"$":["date",0]}', { $: ["date", 0] }],
    ['{"$":5}', { $: 5 }],
    ["not json", "not json"],
    ["", ""],
  ])("%s is the same value for the SDK", async (body, value) => {
    const { sdk, at } = await front();
    const put = await ask(at("k"), { method: "PUT", body, headers: { "content-type": "application/json" } });
    expect(put).toMatchObject({ status: 204, text: "" });
    expect(await (await sdk(put.session)).get("k")).toEqual(value);
    const got = await ask(at("k"), { session: put.session });
    expect([got.status, got.headers.get("content-type"), JSON.parse(got.text)]).toEqual([200, "application/json", value]);
  });

  it("shows what only the SDK can write as plain JSON, and with tags to those who ask for them", async () => {
    const { sdk, at } = await front();
    const session = await sdk(undefined);
    await session.set("k", { at: new Date(0), map: new Map([["a", 1n]]), set: new Set([1]), bytes: new Uint8Array([1, 2, 255]), nan: NaN });
    const token = await session.token();
    expect(JSON.parse((await ask(at("k"), { session: token })).text)).toEqual({
      at: "1970-01-01T00:00:00.000Z",
      map: [["a", "1"]],
      set: [1],
      bytes: "AQL/",
      nan: "NaN",
    });
    const tagged = await ask(at("k"), { session: token, headers: { accept: "application/vnd.causalmesh+json" } });
    expect(tagged.headers.get("content-type")).toBe("application/vnd.causalmesh+json");
    const put = await ask(at("copy"), { method: "PUT", body: tagged.text, headers: { "content-type": "application/vnd.causalmesh+json" } });
    expect(await (await sdk(put.session)).get("copy")).toEqual(await session.get("k"));
  });

  it("is refused where it is not UTF-8, or a tag is wrong", async () => {
    const { at } = await front();
    expect((await ask(at("k"), { method: "PUT", body: new Uint8Array([0x22, 0xff, 0x22]), headers: { "content-type": "application/json" } })).code).toBe(
      "VALUE_INVALID",
    );
    for (const body of ['{"$":["bigint","x"]}', '{"$":["bytes","!"]}', '{"$":["map",5]}', "{", "[".repeat(100_000)]) {
      const put = await ask(at("k"), { method: "PUT", body, headers: { "content-type": "application/vnd.causalmesh+json" } });
      expect([put.status, put.code], body.slice(0, 30)).toEqual([400, "VALUE_INVALID"]);
    }
    expect((await ask(at("k"), { method: "PUT", body: "[".repeat(300) + "]".repeat(300), headers: { "content-type": "application/json" } })).code).toBe(
      "VALUE_INVALID",
    );
  });
});

describe("bytes", () => {
  const bytes = Uint8Array.from({ length: 300 }, (_, index) => index % 256);
  const raw = async (url: string, session: string | undefined): Promise<[string | null, Uint8Array]> => {
    const response = await fetch(url, { headers: { "causalmesh-session": session! } });
    return [response.headers.get("content-type"), new Uint8Array(await response.arrayBuffer())];
  };

  it.each(["application/octet-stream", "image/png", "text/html; charset=utf-8", "application/ld+json"])("of type %s come back as they were", async (type) => {
    const { sdk, at } = await front();
    const put = await ask(at("k"), { method: "PUT", body: bytes, headers: { "content-type": type } });
    expect(await raw(at("k"), put.session)).toEqual([type, bytes]);
    const seen = type === "application/octet-stream" ? bytes : { contentType: type, body: bytes };
    expect(await (await sdk(put.session)).get("k")).toEqual(seen);
    const { headers } = await ask(at("k"), { session: put.session });
    expect([headers.get("x-content-type-options"), headers.get("content-security-policy")]).toEqual(["nosniff", "sandbox; default-src 'none'"]);
  });

  it("that the SDK has written are answered as bytes", async () => {
    const { sdk, at } = await front();
    const session = await sdk(undefined);
    await session.set("k", bytes);
    expect(await raw(at("k"), await session.token())).toEqual(["application/octet-stream", bytes]);
    await session.set("k", { contentType: "bad\r\nx: y", body: bytes });
    expect((await raw(at("k"), await session.token()))[0]).toBe("application/json");
  });

  it("without a type are application/octet-stream, and forms are refused", async () => {
    const { at } = await front();
    const put = await fetch(at("k"), { method: "PUT", body: new Blob([bytes]) });
    expect(await raw(at("k"), put.headers.get("causalmesh-session")!)).toEqual(["application/octet-stream", bytes]);
    const form = await ask(at("k"), { method: "PUT", body: "a=1", headers: { "content-type": "application/x-www-form-urlencoded" } });
    expect([form.status, form.code]).toEqual([415, "MEDIA_TYPE_UNSUPPORTED"]);
  });
});

describe("several keys", () => {
  it("are read from one cut, with bytes in base64", async () => {
    const { url, sdk } = await front();
    const session = await sdk(undefined);
    await session.setMany([
      ["a", { n: 1 }],
      ["b", new Uint8Array([1, 2])],
      ["c", { contentType: "image/png", body: new Uint8Array([3]) }],
      ["d", null],
    ]);
    const read = await ask(`${url}/v1/shop/read`, { method: "POST", session: await session.token(), json: { keys: ["d", "c", "b", "a", "e"] } });
    expect(JSON.parse(read.text)).toEqual({
      entries: [
        { key: "d", hit: true, value: null },
        { key: "c", hit: true, value: "Aw==", encoding: "base64", contentType: "image/png" },
        { key: "b", hit: true, value: "AQI=", encoding: "base64" },
        { key: "a", hit: true, value: { n: 1 } },
        { key: "e", hit: false },
      ],
    });
  });

  it("are written at once, in the form in which they are read", async () => {
    const { url, sdk } = await front();
    const set = [
      { key: "a", value: 1 },
      { key: "b", value: "AQI=", encoding: "base64" },
      { key: "c", value: "Aw==", encoding: "base64", contentType: "image/png" },
    ];
    const written = await ask(`${url}/v1/shop/write?durability=everywhere`, { method: "POST", json: { set } });
    expect(written.status).toBe(204);
    const session = await sdk(written.session);
    expect(await session.getMany(["a", "b", "c"])).toEqual([1, new Uint8Array([1, 2]), { contentType: "image/png", body: new Uint8Array([3]) }]);
    const gone = await ask(`${url}/v1/shop/write`, { method: "POST", session: written.session, json: { delete: ["a", "b"] } });
    expect(await (await sdk(gone.session)).getMany(["a", "b"])).toEqual([undefined, undefined]);
  });

  it.each([
    ["read", { keys: "a" }],
    ["read", { keys: [5] }],
    ["read", { keys: ["a"], more: 1 }],
    ["read", []],
    ["write", {}],
    ["write", { set: [], delete: [] }],
    ["write", { set: [{ key: "a" }] }],
    ["write", { delete: [null] }],
  ])("%s refuses %j", async (name, json) => {
    const { url } = await front();
    const answer = await ask(`${url}/v1/shop/${name}`, { method: "POST", json });
    expect([answer.status, answer.code]).toEqual([400, "REQUEST_INVALID"]);
  });

  it("refuse wrong base64, other content types and too many keys", async () => {
    const { url } = await front();
    const write = (entry: object) => ask(`${url}/v1/shop/write`, { method: "POST", json: { set: [{ key: "a", ...entry }] } });
    expect((await write({ value: "!", encoding: "base64" })).code).toBe("VALUE_INVALID");
    expect((await write({ value: 5, contentType: "image/png" })).code).toBe("VALUE_INVALID");
    expect((await ask(`${url}/v1/shop/write`, { method: "POST", body: '{"delete":["a"]}', headers: { "content-type": "text/plain" } })).status).toBe(415);
    expect((await ask(`${url}/v1/shop/read`, { method: "POST", json: { keys: Array(1025).fill("a") } })).code).toBe("REQUEST_INVALID");
  });
});

describe("a version", () => {
  it("is the ETag, under which If-None-Match is answered with 304", async () => {
    const { at } = await front();
    const put = await ask(at("k"), { method: "PUT", json: 1 });
    const first = await ask(at("k"), { session: put.session });
    const etag = first.headers.get("etag")!;
    expect(etag).toBe(`"${first.headers.get("causalmesh-version")}"`);
    expect(Number(first.headers.get("causalmesh-age-ms"))).toBeLessThan(60_000);
    for (const condition of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
      const same = await ask(at("k"), { session: first.session, headers: { "if-none-match": condition } });
      expect([same.status, same.text, same.headers.get("etag"), same.session === undefined], condition).toEqual([304, "", etag, false]);
    }
    const tagged = await ask(at("k"), { session: first.session, headers: { "if-none-match": etag, accept: "application/vnd.causalmesh+json" } });
    expect(tagged.status, "another representation has another tag").toBe(200);
    const again = await ask(at("k"), { method: "PUT", json: 1, session: first.session });
    expect((await ask(at("k"), { session: again.session, headers: { "if-none-match": etag } })).status).toBe(200);
  });

  it("is asked for with HEAD, which answers as GET without the value", async () => {
    const { at } = await front();
    const put = await ask(at("k"), { method: "PUT", json: { a: 1 } });
    const got = await ask(at("k"), { session: put.session });
    const head = await ask(at("k"), { method: "HEAD", session: put.session });
    expect([head.status, head.text]).toEqual([200, ""]);
    for (const name of ["etag", "content-type", "content-length", "causalmesh-version"]) expect(head.headers.get(name), name).toBe(got.headers.get(name));
    const missing = await ask(at("absent"), { method: "HEAD", session: put.session });
    expect([missing.status, missing.text, missing.session === undefined]).toEqual([404, "", false]);
  });

  it("is no condition of a write, which is refused and not ignored", async () => {
    const { at } = await front();
    const conditions: Record<string, string>[] = [{ "if-none-match": "*" }, { "if-match": '"1:1"' }];
    for (const headers of conditions) {
      const put = await ask(at("k"), { method: "PUT", json: 1, headers });
      expect([put.status, put.code]).toEqual([501, "UNSUPPORTED"]);
    }
    expect((await ask(at("k"))).status).toBe(404);
  });
});

describe("ttl and durability", () => {
  it.each([
    ["?ttl=200ms", {}],
    ["?ttl=200", {}],
    ["", { "causalmesh-ttl": "200ms" }],
    ["", { "x-ttl": "0.2" }],
  ])("%s %j: the value is absent after it", async (query, headers) => {
    const { at } = await front();
    const put = await ask(`${at("k")}${query}`, { method: "PUT", json: 1, headers });
    expect((await ask(at("k"), { session: put.session })).status).toBe(200);
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect((await ask(at("k"), { session: put.session })).status).toBe(404);
  });

  it.each([
    ["?ttl=soon", "TTL_INVALID"],
    ["?ttl=0", "TTL_INVALID"],
    ["?durability=eternal", "OPTION_INVALID"],
    ["?tll=5m", "REQUEST_INVALID"],
    ["?ttl=1s&ttl=2s", "REQUEST_INVALID"],
  ])("%s is refused with %s", async (query, code) => {
    const { at } = await front();
    expect(await ask(`${at("k")}${query}`, { method: "PUT", json: 1 })).toMatchObject({ status: 400, code });
  });

  it("of a deletion has no ttl", async () => {
    const { url, at } = await front();
    expect(await ask(`${at("k")}?ttl=5m`, { method: "DELETE" })).toMatchObject({ status: 400, code: "REQUEST_INVALID" });
    expect(await ask(`${url}/v1/shop/write?ttl=5m`, { method: "POST", json: { delete: ["k"] } })).toMatchObject({ status: 400, code: "REQUEST_INVALID" });
    expect((await ask(`${at("k")}?durability=stored`, { method: "DELETE" })).status).toBe(204);
  });

  it("everywhere and stored are answered when it is so", async () => {
    const mesh = await embedded({ nodes: 3 });
    const [first, second] = await Promise.all(["node-1", "node-2"].map((node) => served(mesh, { node })));
    for (let round = 0; round < 30; round++) {
      await ask(`${first.url}/v1/shop/k${round}?durability=everywhere`, { method: "PUT", json: round });
      // The same node shows it to any session at once.
      expect((await ask(`${first.url}/v1/shop/k${round}`)).text).toBe(String(round));
    }
    expect((await ask(`${second.url}/v1/shop/k?durability=stored`, { method: "PUT", json: 1 })).status).toBe(204);
  });
});

describe("keys", () => {
  it.each(["a/b", "a%2Fb", "a%20b", "%D0%BA", "%F0%9F%99%82", "read", "write", "%3A", "a/%2F", "%2525"])("%s is a key, decoded once", async (path) => {
    const { sdk, at } = await front();
    const put = await ask(at(path), { method: "PUT", json: path });
    expect(await (await sdk(put.session)).get(decodeURIComponent(path))).toBe(path);
    expect((await ask(at(path), { session: put.session })).text).toBe(JSON.stringify(path));
  });

  it("with a broken encoding or beyond 1 KiB are refused", async () => {
    const { at } = await front();
    for (const path of ["%", "%ZZ", "%ff", "x".repeat(1025)]) expect(await ask(at(path)), path.slice(0, 5)).toMatchObject({ status: 400, code: "KEY_INVALID" });
  });

  it("are not listed and not cleared", async () => {
    const { at } = await front();
    for (const path of ["", ":", "a/", "a/:"])
      for (const method of ["GET", "DELETE"]) expect(await ask(at(path), { method }), `${method} ${path}`).toMatchObject({ status: 501, code: "UNSUPPORTED" });
  });
});

describe("routes", () => {
  it.each([
    ["GET", "/", 404, "ROUTE_UNKNOWN"],
    ["GET", "/v1", 404, "ROUTE_UNKNOWN"],
    ["GET", "/v1/shop", 404, "ROUTE_UNKNOWN"],
    ["GET", "/v2/shop/k", 404, "ROUTE_UNKNOWN"],
    ["PATCH", "/v1/shop/k", 405, "METHOD_NOT_ALLOWED"],
    ["POST", "/v1/shop/k", 405, "METHOD_NOT_ALLOWED"],
    ["OPTIONS", "/v1/shop/k", 405, "METHOD_NOT_ALLOWED"],
    ["POST", "/v1/status", 405, "METHOD_NOT_ALLOWED"],
    ["GET", "/v1/a%20b/k", 400, "OPTION_INVALID"],
  ])("%s %s is answered with %i %s", async (method, path, status, code) => {
    const { url } = await front();
    const answer = await ask(url + path, { method });
    expect(answer).toMatchObject({ status, code });
    expect(JSON.parse(answer.text)).toMatchObject({ type: `urn:causalmesh:problem:${code}`, status, code, retryable: false });
    if (status === 405) expect(answer.headers.get("allow")).toMatch(/GET/);
  });
});
