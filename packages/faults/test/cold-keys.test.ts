// What many ask for at once is loaded once, and so is what is not there.

import { setTimeout as sleep } from "node:timers/promises";
import { createMesh } from "@causalmesh/core";
import { describe, expect, it, onTestFinished } from "vitest";
import { counted, DATABASES, openDatabase, openStore, type CountedStore } from "../dist/index.js";

const SESSIONS = 1_000;
const LATER_MS = 50;

describe.each(DATABASES)("a thousand sessions on %s", (kind) => {
  /** A mesh on a database where an earlier mesh has left a value. */
  async function meshWithPast(): Promise<{ mesh: Awaited<ReturnType<typeof createMesh>>; store: CountedStore }> {
    const database = await openDatabase(kind);
    const store = counted(openStore(database.url));
    const before = await createMesh({ store });
    await before.session().set("cold", "value", { durability: "stored" });
    await before.close();
    const mesh = await createMesh({ nodes: 3, store });
    onTestFinished(async () => {
      await mesh.close();
      await store.close();
      await database.remove();
    });
    return { mesh, store };
  }

  it("that ask a node for one cold key cost one load", async () => {
    const { mesh, store } = await meshWithPast();
    const ask = async (node: string): Promise<Set<unknown>> => {
      const answers = await Promise.all(Array.from({ length: SESSIONS }, () => mesh.session(undefined, { node }).get("cold")));
      return new Set(answers);
    };
    const before = store.loads.get("cold") ?? 0;
    for (const [index, node] of ["node-1", "node-2", "node-3"].entries()) {
      expect(await ask(node)).toEqual(new Set(["value"]));
      // Each node has a cache of its own.
      expect(store.loads.get("cold")).toBe(before + index + 1);
    }
    await ask("node-1");
    expect(store.loads.get("cold")).toBe(before + 3);
  });

  it("that ask a node for a key that is not there cost one load, also later", async () => {
    const { mesh, store } = await meshWithPast();
    for (let round = 0; round < 3; round++) {
      const answers = await Promise.all(Array.from({ length: SESSIONS }, () => mesh.session(undefined, { node: "node-1" }).get("absent")));
      expect(new Set(answers)).toEqual(new Set([undefined]));
      expect(store.loads.get("absent")).toBe(1);
      await sleep(LATER_MS);
    }
  });
});
