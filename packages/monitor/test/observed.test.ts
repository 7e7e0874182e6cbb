// What an observed mesh writes down, line by line; that it is the mesh that it was, by the whole contract; and that the README's example runs.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { memoryStore } from "@causalmesh/adapter-memory";
import type { HistoryLine, SessionLine, TransactionLine } from "@causalmesh/checker";
import { sessionSuite } from "@causalmesh/conformance";
import { createMesh, type Mesh } from "@causalmesh/core";
import { describe, expect, it, onTestFinished } from "vitest";
import { observed, type ObservedOptions } from "../src/index.js";

const SECRET = "a secret for the keys of observed meshes";

async function open(options: Partial<ObservedOptions> = {}): Promise<{ mesh: Mesh; raw: Mesh; lines: HistoryLine[] }> {
  const lines: HistoryLine[] = [];
  const raw = await createMesh({ nodes: 2, store: memoryStore() });
  onTestFinished(() => raw.close());
  return { raw, lines, mesh: observed(raw, { sample: 1, report: (line) => lines.push(line), ...options }) };
}

const operations = (lines: readonly HistoryLine[]) => lines.flatMap((line) => ("ops" in line ? line.ops : []));

describe("an observed mesh", () => {
  for (const { name, run } of sessionSuite({
    open: async () => observed(await createMesh({ nodes: 2, store: memoryStore() }), { sample: 1, report: () => undefined }),
  }))
    it(name, run);
});

describe("the lines", () => {
  it("name a write by the version that everybody reads, and a key by its hash", async () => {
    const { mesh, raw, lines } = await open();
    const session = mesh.session();
    expect(await session.get("cart")).toBeUndefined();
    await session.set("cart", "tea");
    expect(await session.get("cart")).toBe("tea");
    await session.delete("cart");
    await session.setMany([
      ["cart", 1],
      ["order", 2],
      ["cart", 3],
    ]);
    const token = await session.token();
    const there = raw.session(token);
    const [cart, order] = [(await there.getEntry("cart")).version, (await there.getEntry("order")).version];
    expect(cart).toBe(order);
    const [nothing, set, got, deleted, ...many] = operations(lines);
    expect([nothing[0], nothing[2]]).toEqual(["r", null]);
    expect(set).toEqual(["w", nothing[1], got[2]]);
    expect([deleted[0], deleted[1], many.length]).toEqual(["d", nothing[1], 2]);
    expect(many[0]).toEqual(["w", nothing[1], cart]);
    expect(many[1]).toEqual(["w", expect.not.stringMatching(nothing[1]), cart]);
    expect(session.lastWrite).toBe(cart);
  });

  it("follow forks, joins and tokens", async () => {
    const { mesh, lines } = await open();
    const session = mesh.session();
    await session.set("a", 1);
    const fork = session.fork();
    await fork.set("b", 1);
    session.join(fork);
    const token = await session.token();
    await mesh.session(token).get("b");
    const [wrote, forked, wroteB, joined, marked, begun, read] = lines as (SessionLine & TransactionLine)[];
    expect(forked).toEqual({ session: wroteB.session, from: [wrote.session] });
    expect(joined.from).toEqual([wrote.session, wroteB.session]);
    expect(marked.from).toEqual([joined.session]);
    expect(begun).toEqual({ session: read.session, from: [marked.session] });
    expect(read.ops[0].slice(1)).toEqual(wroteB.ops[0].slice(1));
  });

  it("have a transaction's writes under its commit's version, and those of the ambient session", async () => {
    const { mesh, lines } = await open();
    const version = await mesh.run(async () => {
      await mesh.set("a", 1);
      return (await mesh.getEntry("a")).version;
    });
    expect(operations(lines).map(([kind, , value]) => [kind, value])).toEqual([
      ["w", version],
      ["r", version],
    ]);
    lines.length = 0;
    const transaction = mesh.session().begin();
    await transaction.setMany([
      ["a", 2],
      ["b", 2],
    ]);
    await transaction.delete("b");
    const committed = await transaction.commit();
    expect(operations(lines).map(([kind, , value]) => [kind, value])).toEqual([
      ["w", committed.version],
      ["w", committed.version],
    ]);
  });

  it("leave out calls that overlap, that failed, and whose version nobody says", async () => {
    const { mesh, lines } = await open();
    const session = mesh.session();
    await Promise.all([session.set("a", 1), session.set("b", 1), session.get("c")]);
    await expect(session.set("a", () => undefined)).rejects.toThrow();
    await session.setMany([]);
    await session.getMany(["a", "b"]);
    await session.increment("n");
    expect(lines).toEqual([]);
    await session.set("a", 2);
    expect(operations(lines)).toHaveLength(1);
  });

  it("are of the sampled sessions, and of those that go on from them", async () => {
    const none = await open({ sample: 0 });
    const session = none.mesh.session();
    await session.set("a", 1);
    await none.mesh.session(await session.token()).get("a");
    session.join(session.fork());
    expect(none.lines).toEqual([]);

    const some = await open({ sample: 0.5 });
    const counts = new Set<number>();
    for (let workflow = 0; workflow < 60; workflow++) {
      some.lines.length = 0;
      const begin = some.mesh.session();
      await begin.set("a", workflow);
      await some.mesh.session(await begin.token()).get("a");
      counts.add(operations(some.lines).length);
    }
    // All of a workflow or nothing of it.
    expect([...counts].sort()).toEqual([0, 2]);
  });

  it("call a key the same for those who share a secret and a namespace, and for nobody else", async () => {
    const keyOf = async (options: Partial<ObservedOptions>, namespace?: string): Promise<string> => {
      const { mesh, lines } = await open(options);
      await mesh.session(undefined, { namespace }).get("cart");
      return operations(lines)[0][1];
    };
    const name = await keyOf({ secret: SECRET });
    expect(await keyOf({ secret: SECRET })).toBe(name);
    expect(await keyOf({ secret: SECRET, namespace: "shop" })).not.toBe(name);
    expect(await keyOf({ secret: SECRET, namespace: "shop" })).toBe(await keyOf({ secret: SECRET }, "shop"));
    expect(await keyOf({})).not.toBe(await keyOf({}));
  });

  it("cost the call nothing when nobody takes them", async () => {
    const { mesh } = await open({
      report: () => {
        throw new Error("full");
      },
    });
    const session = mesh.session();
    await session.set("a", 1);
    expect(await session.get("a")).toBe(1);
  });
});

it.each([{ report: "log.jsonl" }, { sample: 2 }, { secret: "short" }])("refuses %o", async (wrong) => {
  const { raw } = await open();
  expect(() => observed(raw, { report: () => undefined, ...wrong } as ObservedOptions)).toThrow(expect.objectContaining({ code: "OPTION_INVALID" }));
});

it("has an example in the README that runs", () => {
  const [, code] = /<!-- example -->\n```js\n([\s\S]*?)```/.exec(readFileSync(new URL("../README.md", import.meta.url), "utf8"))!;
  const printed = execFileSync(process.execPath, ["--input-type=module", "--eval", code], { cwd: new URL("..", import.meta.url), encoding: "utf8" });
  expect(printed).toBe("2 operations judged, violations: {}\n");
});
