// Spans as the real SDK records them, of sessions of a real mesh.

import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { memoryStore } from "@causalmesh/adapter-memory";
import { createMesh, type Mesh } from "@causalmesh/core";
import { context, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor, type ReadableSpan } from "@opentelemetry/sdk-trace-base";
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { traced, type TracedOptions } from "../src/index.js";

const exporter = new InMemorySpanExporter();
const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });

beforeAll(() => {
  trace.setGlobalTracerProvider(provider);
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
});
afterAll(() => provider.shutdown());
beforeEach(() => exporter.reset());

async function mesh(options?: TracedOptions): Promise<Mesh> {
  const store = memoryStore();
  const inner = await createMesh({ nodes: 2, store });
  onTestFinished(async () => {
    await inner.close();
    await store.close();
  });
  return traced(inner, options);
}

const spans = (): ReadableSpan[] => exporter.getFinishedSpans();

describe("traced", () => {
  it("makes a client span of each call, with what it was and found, and neither keys nor values", async () => {
    const session = (await mesh()).session();
    await session.set("secret-key", "secret-value");
    expect(await session.get("secret-key")).toBe("secret-value");
    expect(await session.get("secret-absent")).toBeUndefined();
    expect(await session.has("secret-key")).toBe(true);
    expect((await session.getEntry("secret-key")).hit).toBe(true);
    await session.getMany(["secret-key", "secret-absent"]);
    await session.setMany(
      new Map([
        ["secret-a", 1],
        ["secret-b", 2],
      ]),
    );
    expect(await session.getOrSet("secret-a", () => 7)).toBe(1);
    await session.deleteMany(["secret-a", "secret-b"]);
    await session.delete("secret-key");
    await session.increment("secret-key");
    await session.addMembers("secret-key", ["secret-member"]);
    expect(spans().map(({ name, attributes }) => [name, attributes["db.operation.batch.size"] ?? attributes["causalmesh.hit"]])).toEqual([
      ["causalmesh set", undefined],
      ["causalmesh get", true],
      ["causalmesh get", false],
      ["causalmesh has", true],
      ["causalmesh getEntry", true],
      ["causalmesh getMany", 2],
      ["causalmesh setMany", 2],
      ["causalmesh getOrSet", undefined],
      ["causalmesh deleteMany", 2],
      ["causalmesh delete", undefined],
      ["causalmesh increment", undefined],
      ["causalmesh addMembers", undefined],
    ]);
    for (const { kind, attributes } of spans()) {
      expect(kind).toBe(SpanKind.CLIENT);
      expect(attributes).toMatchObject({ "db.system.name": "causalmesh", "causalmesh.node": session.node });
    }
    expect(JSON.stringify(spans().map(({ name, attributes, status, events }) => ({ name, attributes, status, events })))).not.toContain("secret");
  });

  it("has the keys where that is wanted, and never the values", async () => {
    const session = (await mesh({ keys: true })).session();
    await session.set("k", "secret-value");
    await session.getMany(["k", "l"]);
    await session.setMany([["a", "secret-value"]]);
    expect(spans().map(({ attributes }) => attributes["causalmesh.key"] ?? attributes["causalmesh.keys"])).toEqual(["k", ["k", "l"], ["a"]]);
    expect(JSON.stringify(spans().map(({ attributes }) => attributes))).not.toContain("secret");
  });

  it("puts the spans under the active one, and those of a factory under its getOrSet", async () => {
    const session = (await mesh()).session();
    await trace.getTracer("test").startActiveSpan("workflow", async (workflow) => {
      await session.getOrSet("k", async () => {
        trace.getTracer("test").startSpan("factory").end();
        return 1;
      });
      workflow.end();
    });
    const [factory, getOrSet, workflow] = ["factory", "causalmesh getOrSet", "workflow"].map((name) => spans().find((span) => span.name === name)!);
    expect(factory.parentSpanContext?.spanId).toBe(getOrSet.spanContext().spanId);
    expect(getOrSet.parentSpanContext?.spanId).toBe(workflow.spanContext().spanId);
  });

  it("says by the mesh's code why a call failed, and the caller gets the error as it was", async () => {
    const session = (await mesh()).session();
    await expect(session.get("secret".repeat(1_000))).rejects.toMatchObject({ name: "MeshError", code: "KEY_INVALID" });
    const [{ attributes, status, events }] = spans();
    expect(attributes["error.type"]).toBe("KEY_INVALID");
    expect(status.code).toBe(SpanStatusCode.ERROR);
    expect(JSON.stringify([attributes, status, events])).not.toContain("secret");
  });

  it("is the mesh itself otherwise: tokens, forks, sessions that go on", async () => {
    const all = await mesh();
    const session = all.session();
    await session.set("k", 1);
    const fork = session.fork();
    expect(await fork.get("k")).toBe(1);
    const next = all.session([await session.token(), await fork.token()]);
    expect(await next.get("k")).toBe(1);
    expect((await all.status()).members).toHaveLength(2);
    await all.ready();
    expect(spans()).toHaveLength(3);
    await all[Symbol.asyncDispose]();
    await expect(next.get("k")).rejects.toMatchObject({ code: "CLOSED" });
  });

  it("takes the tracer that it is given", async () => {
    const other = new InMemorySpanExporter();
    const tracer = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(other)] }).getTracer("other");
    await (await mesh({ tracer })).session().set("k", 1);
    expect(spans()).toHaveLength(0);
    expect(other.getFinishedSpans()).toHaveLength(1);
  });

  it("returns the mesh as it is where the API is not installed", () => {
    const folder = mkdtempSync(join(tmpdir(), "causalmesh-opentelemetry-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    cpSync(fileURLToPath(new URL("../dist/index.js", import.meta.url)), join(folder, "index.mjs"));
    const program = 'import { traced } from "./index.mjs"; const mesh = { session: () => 1 }; console.log(traced(mesh) === mesh)';
    writeFileSync(join(folder, "main.mjs"), program);
    expect(execFileSync(process.execPath, [join(folder, "main.mjs")], { encoding: "utf8" }).trim()).toBe("true");
  });
});
