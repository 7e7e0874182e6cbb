// The OpenAPI document is valid, has the routes that there are, and describes what is really answered.

import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, it } from "vitest";
import { ROUTES } from "../src/routes.js";
import { ask, apiKeys, embedded, KEYS, served, type Answer, type Ask } from "./support/front.js";

interface Described {
  readonly headers?: Record<string, unknown>;
  readonly content?: Record<string, { readonly schema: object }>;
}

interface Operation {
  readonly operationId: string;
  readonly responses: Record<string, Described & { readonly $ref?: string }>;
}

interface Document {
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: { readonly responses: Record<string, Described>; readonly headers: Record<string, unknown> };
}

async function documented() {
  const mesh = await embedded();
  const { url } = await served(mesh, { apiKeys });
  const document = JSON.parse((await ask(`${url}/v1/openapi.json`)).text) as Document;
  return { url, document, mesh };
}

describe("/v1/openapi.json", () => {
  it("is valid OpenAPI 3.1", async () => {
    const { document } = await documented();
    const validator = new Validator();
    const { valid, errors } = await validator.validate(structuredClone(document) as never);
    expect(errors).toBeUndefined();
    expect([valid, validator.version]).toEqual([true, "3.1"]);
  });

  it("has each route, and no other", async () => {
    const { document } = await documented();
    const described = Object.entries(document.paths).flatMap(([path, item]) =>
      Object.keys(item)
        .filter((name) => name !== "parameters")
        .map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(described.sort()).toEqual(ROUTES.map(({ method, template }) => `${method} ${template}`).sort());
  });

  it("describes every answer: its status, its headers, its body", async () => {
    const { document, url } = await documented();
    const ajv = new Ajv2020({ strict: false });
    ajv.addSchema(document, "api");
    const key = KEYS.writer;
    const seen = new Set<string>();

    const check = async (path: string, template: string, asked: Ask): Promise<Answer> => {
      const method = asked.method ?? "GET";
      const answer = await ask(url + path, { key, ...asked });
      const what = `${method} ${path} ${answer.status}`;
      const found = document.paths[template][method.toLowerCase()].responses[answer.status];
      expect(found, `${what} is not described`).toBeDefined();
      const response = found.$ref === undefined ? found : document.components.responses[found.$ref.split("/").at(-1)!];
      seen.add(`${method} ${template} ${answer.status}`);
      for (const name of Object.keys(response.headers ?? {})) {
        // Only there where the answer had to wait.
        if (name === "causalmesh-waited-ms") continue;
        const isOfEntry = /^causalmesh-(version|age-ms)$/.test(name);
        if (!isOfEntry || answer.status === 200) expect(answer.headers.get(name), `${what}: ${name}`).not.toBeNull();
      }
      if (method === "HEAD" || response.content === undefined) expect(answer.text, what).toBe("");
      else {
        const type = answer.headers.get("content-type")!;
        const content = response.content[type] ?? response.content["*/*"];
        expect(content, `${what} with ${type}`).toBeDefined();
        if (!type.endsWith("json")) return answer;
        const at = Object.keys(response.content).includes(type) ? content.schema : {};
        const validate = ajv.compile(absolute(at));
        expect(validate(JSON.parse(answer.text)), `${what}: ${JSON.stringify(validate.errors)}`).toBe(true);
      }
      return answer;
    };

    const value = "/v1/{namespace}/{key}";
    const many = { read: "/v1/{namespace}/read", write: "/v1/{namespace}/write", transaction: "/v1/{namespace}/transaction" };
    const { session } = await check("/v1/blue/k", value, { method: "PUT", json: { a: 1 } });
    const got = await check("/v1/blue/k", value, { session });
    const etag = { "if-none-match": got.headers.get("etag")! };
    for (const method of ["GET", "HEAD"]) {
      await check("/v1/blue/k", value, { method, session });
      await check("/v1/blue/k", value, { method, session, headers: etag });
      await check("/v1/blue/absent", value, { method });
      await check("/v1/blue/k", value, { method, session: "nonsense" });
      await check("/v1/blue/k", value, { method, key: undefined });
      await check("/v1/red/k", value, { method });
    }
    await check("/v1/blue/b", value, { method: "PUT", body: "x", headers: { "content-type": "image/png" } });
    await check("/v1/blue/b", value, { method: "PUT", body: "x", headers: { "content-type": "multipart/form-data" } });
    await check("/v1/blue/b", value, { method: "PUT", json: "x".repeat(1024 * 1024) });
    await check("/v1/blue/b", value, { method: "PUT", json: 1, headers: { "if-match": "*" } });
    await check("/v1/blue/b?ttl=soon", value, { method: "PUT", json: 1 });
    await check("/v1/blue/b", value, { method: "DELETE", session });
    await check("/v1/blue/b", value, { method: "DELETE", headers: { "if-match": "*" } });
    await check("/v1/blue/read", many.read, { method: "POST", json: { keys: ["k", "absent", "b"] }, session });
    await check("/v1/blue/read", many.read, { method: "POST", json: {} });
    await check("/v1/blue/read", many.read, { method: "POST", body: "x" });
    await check("/v1/blue/write", many.write, { method: "POST", json: { set: [{ key: "c", value: "AQI=", encoding: "base64", contentType: "image/png" }] } });
    await check("/v1/blue/write", many.write, { method: "POST", json: { delete: ["c"] } });
    await check("/v1/blue/write", many.write, { method: "POST", json: {} });
    const open = await check("/v1/blue/transaction", many.transaction, { method: "POST", json: { read: ["k", "absent"] }, session });
    const body = {
      read: ["k"],
      set: [
        { key: "c", value: 1, ttl: "1h" },
        { key: "d", value: "AQI=", encoding: "base64" },
      ],
      delete: ["e"],
    };
    await check("/v1/blue/transaction", many.transaction, { method: "POST", json: { ...body, end: "commit" }, session: open.session });
    await check("/v1/blue/transaction", many.transaction, { method: "POST", json: { end: "rollback" }, session: open.session });
    await check("/v1/blue/k", value, { session: open.session });
    await check("/v1/blue/transaction", many.transaction, { method: "POST", json: { end: "perhaps" } });
    for (const json of [{ counter: "n", add: 2 }, { set: "s", add: ["a"], remove: ["b"] }, { counter: "n" }, { counter: "n", add: 0.5 }])
      await check("/v1/blue/merge", "/v1/{namespace}/merge", { method: "POST", json });
    for (const json of [{ counter: "n" }, { set: "s" }, {}]) await check("/v1/blue/merged", "/v1/{namespace}/merged", { method: "POST", json });
    await check("/v1/session/join", "/v1/session/join", { method: "POST", json: { tokens: [session, session] } });
    await check("/v1/session/join", "/v1/session/join", { method: "POST", json: { tokens: ["nonsense"] } });
    await check("/v1/status", "/v1/status", {});
    await check("/v1/status", "/v1/status", { key: KEYS.admin });
    await check("/v1/openapi.json", "/v1/openapi.json", {});
    // Whatever is described as a success has been answered.
    const successes = Object.entries(document.paths).flatMap(([path, item]) =>
      Object.entries(item).flatMap(([method, { responses }]) =>
        Object.keys(responses ?? {})
          .filter((status) => /^[23]|404/.test(status))
          .map((status) => `${method.toUpperCase()} ${path} ${status}`),
      ),
    );
    expect(successes.filter((success) => !seen.has(success))).toEqual([]);
  });
});

/** A schema of the document with its references made to point into it. */
function absolute(schema: object): object {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/components', '"api#/components')) as object;
}
