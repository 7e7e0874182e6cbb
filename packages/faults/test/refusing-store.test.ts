// The database is there and takes nothing: it is out of space, or a right was taken away. An unhandled rejection would fail the tests too: vitest reports it.

import { startPostgres, startRedis } from "@causalmesh/test-servers";
import { Redis } from "ioredis";
import pg from "pg";
import { describe, expect, it, onTestFinished } from "vitest";
import { openStore, seedFrom } from "../dist/index.js";
import { expectFilled, fillToBound } from "./support/bound.js";
import { Load, outcomeOf } from "./support/load.js";

/** Calls of the load between two faults. */
const ANSWERS = 30;
/** "At once": far below any timeout, with room for a busy machine. */
const FAST_MS = 1_000;
const STORED_TIMEOUT_MS = 500;

interface Refusal {
  /** Of the store that nodes use. */
  readonly url: string;
  refuse(): Promise<unknown>;
  allow(): Promise<unknown>;
}

/** A server with a store on it that has been used, and somebody who may do everything there. */
async function redis(user: string): Promise<{ admin: Redis; url: string }> {
  const server = await startRedis({ own: true });
  const admin = new Redis(server.url);
  onTestFinished(async () => {
    admin.disconnect();
    await server.stop();
  });
  await admin.call("ACL", "SETUSER", "mesh", "on", ">password", "~*", "+@all");
  return { admin, url: server.url.replace("//", user === "" ? "//" : `//${user}:password@`) };
}

async function postgres(role: string): Promise<{ admin: pg.Client; url: string }> {
  const server = await startPostgres({ own: true });
  const admin = new pg.Client({ connectionString: server.url });
  await admin.connect();
  onTestFinished(async () => {
    await admin.end();
    await server.stop();
  });
  const owner = openStore(server.url);
  await owner.readRegistry();
  await owner.close();
  const url = new URL(server.url);
  if (role !== "") {
    await admin.query(`CREATE ROLE ${role} LOGIN PASSWORD 'password'; GRANT USAGE ON SCHEMA causalmesh TO ${role};
      GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA causalmesh TO ${role}`);
    Object.assign(url, { username: role, password: "password" });
  }
  return { admin, url: url.href };
}

const REFUSALS: Readonly<Record<string, () => Promise<Refusal>>> = {
  "Redis out of memory": async () => {
    const { admin, url } = await redis("");
    return { url, refuse: () => admin.config("SET", "maxmemory", "1"), allow: () => admin.config("SET", "maxmemory", "0") };
  },
  "Redis without the right to write": async () => {
    const { admin, url } = await redis("mesh");
    const rule = async (text: string): Promise<unknown> => await admin.call("ACL", "SETUSER", "mesh", text);
    return { url, refuse: () => rule("-mset"), allow: () => rule("+mset") };
  },
  "Postgres with a full disk": async () => {
    const { admin, url } = await postgres("");
    // The server's own error, raised where it would be.
    await admin.query(`CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$`);
    return {
      url,
      refuse: () => admin.query("CREATE TRIGGER full_disk BEFORE INSERT OR UPDATE ON causalmesh.rows FOR EACH ROW EXECUTE FUNCTION full_disk()"),
      allow: () => admin.query("DROP TRIGGER full_disk ON causalmesh.rows"),
    };
  },
  "Postgres without the right to write": async () => {
    const { admin, url } = await postgres("limited");
    return {
      url,
      refuse: () => admin.query("REVOKE INSERT ON causalmesh.rows FROM limited"),
      allow: () => admin.query("GRANT INSERT ON causalmesh.rows TO limited"),
    };
  },
};

describe.each(Object.keys(REFUSALS))("%s", (kind) => {
  it("hits, misses and writes go on up to the log's bound, then OVERLOADED says when to come back; when it takes writes again, nothing is lost", async () => {
    const { url, refuse, allow } = await REFUSALS[kind]();
    const near = openStore(url);
    onTestFinished(async () => await near.close());
    const load = await Load.start({ store: openStore(url), seed: seedFrom(kind) });
    load.watch(near);
    const { mesh, addresses } = load;
    const session = mesh.session(undefined, { node: addresses[0] });
    await session.set("hot", "hit", { durability: "stored", timeoutMs: 10_000 });
    await load.answers(ANSWERS);
    await refuse();
    await load.answers(ANSWERS);
    for (const node of addresses) {
      await mesh.session(undefined, { node }).set("during", node, { durability: "everywhere" });
      const hit = await outcomeOf(mesh.session(undefined, { node }).get("hot"));
      const miss = await outcomeOf(mesh.session(undefined, { node }).get(`cold ${node}`));
      expect([hit.code, hit.ms < FAST_MS, miss.code, miss.ms < FAST_MS]).toEqual(["none", true, "none", true]);
    }
    // Nothing is acknowledged as stored meanwhile.
    expect((await outcomeOf(session.set("not stored", 1, { durability: "stored", timeoutMs: STORED_TIMEOUT_MS }))).code).toBe("TIMEOUT");
    await load.stop();
    const filled = await fillToBound(mesh, addresses[0], near);
    // Another node has its own share.
    await mesh.session(undefined, { node: addresses[1] }).set("other", 1, { durability: "everywhere" });
    await allow();
    expect(await load.judge(near)).toEqual([]);
    await expectFilled(near, filled);
    const rows = await near.getMany(["during", "other", "not stored"]);
    expect(rows.map((row) => Buffer.from(row!.value!).toString())).toEqual([JSON.stringify(addresses.at(-1)), "1", "1"]);
  });
});
