// The way to a database server is slow, closed, or breaks in the middle of what is sent. An unhandled rejection would fail the tests too: vitest reports it.

import { createMesh, type Store } from "@causalmesh/core";
import { SeededRandom } from "@causalmesh/core/testing";
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { openDatabase, openStore, seedFrom, TcpProxy, type Database } from "../dist/index.js";
import { expectFilled, fillToBound } from "./support/bound.js";
import { Load, outcomeOf, untilFlushed } from "./support/load.js";

const FAST_MS = 1_000;
/** Calls of the load between two faults. */
const ANSWERS = 30;
const BREAKS = 20;
let places = 0;

/** The same database in a place of each test's own, at its address; `port` says over which port of this machine it is reached. */
function placeIn(url: URL, port: number): { url: string; port: number } {
  const place = `network_${process.pid}_${places}`;
  if (url.protocol !== "dynamodb:") {
    const own = Number(url.port);
    url.searchParams.set(url.protocol === "redis:" ? "prefix" : "schema", place);
    url.port = String(port || own);
    return { url: url.href, port: own };
  }
  const endpoint = new URL(url.searchParams.get("endpoint")!);
  const own = Number(endpoint.port);
  endpoint.port = String(port || own);
  url.searchParams.set("endpoint", endpoint.origin);
  url.searchParams.set("prefix", place);
  return { url: url.href, port: own };
}

describe.each(["postgres:", "redis:", "dynamodb:", "dynamodb:transactions"])("on %s", (kind) => {
  let database: Database;
  let proxy: TcpProxy;
  /** The same database: over the proxy as nodes reach it, and directly. */
  let distant: Store;
  let near: Store;

  beforeAll(async () => void (database = await openDatabase(kind)));
  afterAll(async () => await database.remove());

  beforeEach(async () => {
    places += 1;
    const direct = placeIn(new URL(database.url), 0);
    proxy = await TcpProxy.to("127.0.0.1", direct.port);
    near = openStore(direct.url);
    distant = openStore(placeIn(new URL(database.url), proxy.port).url);
    return async () => {
      await Promise.all([near.close(), distant.close()]);
      await proxy.close();
    };
  });

  it("a server that answers after 5 s: hits and writes go on up to the log's bound, then OVERLOADED says when to come back; nothing is lost", async () => {
    const mesh = await createMesh({ nodes: 4, store: distant });
    onTestFinished(async () => await mesh.close());
    const session = mesh.session(undefined, { node: "node-1" });
    await session.set("hot", "hit", { durability: "stored" });
    expect(await session.get("hot")).toBe("hit");
    proxy.delayMs = 5_000;

    const filled = await fillToBound(mesh, "node-1", near);
    const hit = await outcomeOf(session.get("hot"));
    expect([hit.code, hit.ms < FAST_MS]).toEqual(["none", true]);
    // Another node has its own share.
    await mesh.session(undefined, { node: "node-2" }).set("other", 1, { durability: "everywhere" });

    proxy.delayMs = 0;
    await untilFlushed(mesh);
    await session.set("after", 1, { durability: "stored" });
    await expectFilled(near, filled);
    const [other] = await near.getMany(["other"]);
    expect(Buffer.from(other!.value!).toString()).toBe("1");
  });

  it("a server that refuses connections: hits and writes go on, misses fail at once, flushing resumes", async () => {
    const load = await Load.start({ store: distant, seed: seedFrom(`refused connections to ${kind}`) });
    load.watch(near);
    await load.answers(ANSWERS);
    proxy.refusing = true;
    proxy.cut();
    for (const node of load.addresses) {
      const session = load.mesh.session(undefined, { node });
      await session.set("during", node, { durability: "everywhere" });
      const miss = await outcomeOf(session.get(`cold ${node}`));
      expect([miss.code, miss.ms < FAST_MS]).toEqual(["STORE_UNAVAILABLE", true]);
    }
    await load.answers(ANSWERS);
    // What was written last is nowhere but in the nodes.
    await load.stop();
    proxy.refusing = false;
    expect(await load.judge(near)).toEqual([]);
    const [row] = await near.getMany(["during"]);
    expect(Buffer.from(row!.value!).toString()).toBe(JSON.stringify(load.addresses.at(-1)));
  });

  it("connections that break in the middle of a batch: the batch is made again, once, and nothing is lost", async () => {
    const seed = seedFrom(`broken connections to ${kind}`);
    const random = new SeededRandom(seed);
    const load = await Load.start({ store: distant, seed, paddingBytesMax: 3_000 });
    load.watch(near);
    proxy.breakAfterBytes = () => Math.round(random.magnitude(100, 200_000));
    proxy.cut();
    await expect.poll(() => proxy.breaks, { timeout: 30_000 }).toBeGreaterThan(BREAKS);
    await load.answers(ANSWERS);
    await load.stop();
    proxy.breakAfterBytes = () => Infinity;
    proxy.cut();
    expect(await load.judge(near)).toEqual([]);
  });
});
