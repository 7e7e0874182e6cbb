// The database server is killed and comes back while a mesh is under load. An unhandled rejection would fail the test too: vitest reports it.

import { setTimeout as sleep } from "node:timers/promises";
import { startPostgres, startRedis } from "@causalmesh/test-servers";
import { expect, it, onTestFinished } from "vitest";
import { openStore, seedFrom } from "../dist/index.js";
import { Load, outcomeOf } from "./support/load.js";

const OUTAGES = 3;
/** Calls of the load between two faults. */
const ANSWERS = 30;
/** "At once": far below any timeout, with room for a busy machine. */
const FAST_MS = 1_000;

/** Redis with `appendfsync always`, as it has to be for `stored` to hold. */
const SERVERS = { Postgres: () => startPostgres({ own: true }), Redis: () => startRedis({ own: true, persistence: "always" }) } as const;

it.each(["Postgres", "Redis"] as const)(
  "%s is killed and started again: hits and writes go on, misses fail at once, flushing resumes, the store holds the winners",
  async (kind) => {
    const server = await SERVERS[kind]();
    onTestFinished(async () => await server.stop());
    const load = await Load.start({ store: openStore(server.url), seed: seedFrom(`restarts of ${kind}`) });
    const { mesh, addresses } = load;
    const store = openStore(server.url);
    onTestFinished(async () => await store.close());
    load.watch(store);
    for (const node of addresses) await mesh.session(undefined, { node }).set("hot", 0, { durability: "stored" });
    for (const node of addresses) expect(await mesh.session(undefined, { node }).get("hot")).toBe(0);
    await load.answers(ANSWERS);
    for (let outage = 1; outage <= OUTAGES; outage++) {
      await server.kill();
      for (const node of addresses) {
        const session = mesh.session(undefined, { node });
        await session.set("hot", outage, { durability: "everywhere" });
        expect(await session.get("hot")).toBe(outage);
        const miss = await outcomeOf(session.get(`cold ${outage} ${node}`, { timeoutMs: 4 * FAST_MS }));
        expect(miss).toEqual({ code: "STORE_UNAVAILABLE", ms: expect.any(Number) as number });
        expect(miss.ms).toBeLessThan(FAST_MS);
      }
      await load.answers(ANSWERS);
      // What was written last is nowhere but in the nodes then.
      if (outage === OUTAGES) await load.stop();
      await server.restart();
      // Nobody is told: the nodes try again by themselves.
      const stored = await outcomeOf(mesh.session().set(`after ${outage}`, outage, { durability: "stored", timeoutMs: 20_000 }));
      expect(stored.code).toBe("none");
      await sleep(100);
    }
    expect(await load.judge(store)).toEqual([]);
    const rows = await store.getMany(["hot", "after 1", "after 2", "after 3"]);
    expect(rows.map((row) => Buffer.from(row!.value!).toString())).toEqual(["3", "1", "2", "3"]);
  },
);
