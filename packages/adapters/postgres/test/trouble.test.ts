// What can be wrong with a URL, a server, a role or a database: each has its code and a message that says what to do, and no
// password in it.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { inspect } from "node:util";
import { MeshError, type Row, type Store } from "@causalmesh/core";
import pg from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { postgresStore, type PostgresStoreOptions } from "../src/index.js";
import { TestDatabase, withParts } from "./support/database.js";

let database: TestDatabase;
const stores: Store[] = [];

beforeAll(async () => void (database = await TestDatabase.start({ own: true })));
afterAll(async () => await database.stop());
afterEach(async () => {
  await Promise.all(stores.splice(0).map((store) => store.close()));
  await database.query("DROP SCHEMA IF EXISTS causalmesh CASCADE");
});

const row = (key: string, fields: Partial<Row> = {}): Row => ({ key, value: Buffer.from("v"), timestamp: 1, replica: 1, counter: 1, expiresAt: 0, ...fields });

function open(options: PostgresStoreOptions = { url: database.url }): Store {
  const store = postgresStore(options);
  stores.push(store);
  return store;
}

async function refusal(attempt: () => unknown): Promise<MeshError> {
  try {
    await attempt();
  } catch (error) {
    if (error instanceof MeshError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

/** All that a log could show of an error. */
const everything = (error: unknown): string => inspect(error, { depth: 20, showHidden: true });

describe("options", () => {
  it.each<[string, unknown]>([
    ["nothing", undefined],
    ["no place", {}],
    ["a pool beside a URL", { url: "postgres://h/d", pool: {} }],
    ["another scheme", { url: "mysql://u:hunter2@h/d" }],
    ["no URL", { url: "hunter2@h/d" }],
    ["a number", { url: 7 }],
    ["a port that is none", { url: "postgres://u:hunter2@h:port/d" }],
    ["# in the password", { url: "postgres://u:5#hunter2@h/d" }],
    ["/ in the password", { url: "postgres://u:5/hunter2@h/d" }],
    ["? in the password", { url: "postgres://u:5?hunter2@h/d" }],
    ["half an escape in the password", { url: "postgres://u:hunter2%E0%A4@h/d" }],
    ["a certificate that is not there", { url: "postgres://u:hunter2@h/d?sslrootcert=/nowhere/ca.pem" }],
    ["a schema of no letters", { url: "postgres://u:hunter2@h/d", schema: "" }],
    ["a schema too long", { url: "postgres://u:hunter2@h/d", schema: "x".repeat(64) }],
    ["a prefix with a quote", { url: "postgres://u:hunter2@h/d", prefix: 'a"' }],
    ["a prefix too long", { url: `postgres://u:hunter2@h/d?prefix=${"x".repeat(60)}` }],
    ["no time", { url: "postgres://u:hunter2@h/d", timeoutMs: 0 }],
    ["time beyond any timer", { url: "postgres://u:hunter2@h/d", timeoutMs: 2 ** 31 }],
    ["no connections", { url: "postgres://u:hunter2@h/d", connections: 0 }],
  ])("%s: refused, without the password", async (_what, options) => {
    const error = await refusal(() => postgresStore(options as PostgresStoreOptions));
    expect([error.code, error.message]).toEqual(["OPTION_INVALID", expect.stringContaining("postgresStore: ")]);
    expect(everything(error)).not.toMatch(/hunter2|u:5/);
  });

  it("name the store by its address alone", async () => {
    expect(open({ url: "postgresql://u:hunter2@db.example:6000/shop?schema=s" }).name).toBe("postgres at db.example:6000/shop");
    expect(open({ url: "postgres://[::1]/shop" }).name).toBe("postgres at ::1:5432/shop");
    expect(open({ config: { host: "h", port: 1, database: "d", password: "hunter2" } }).name).toBe("postgres at h:1/d");
  });
});

describe("pg's own options", () => {
  it("are taken, a password that is a function too", async () => {
    const { hostname: host, port, username: user, password, pathname } = new URL(database.url);
    let asked = 0;
    const config = { host, port: Number(port), user, database: pathname.slice(1), password: async () => ((asked += 1), password) };
    expect(await open({ config }).getMany(["a"])).toEqual([undefined]);
    expect(asked).toBe(1);
  });

  it("stand behind those of a URL", async () => {
    const store = open({ url: database.url, config: { password: "hunter2", database: "absent", application_name: "theirs" } });
    expect(await store.getMany(["a"])).toEqual([undefined]);
    expect((await database.query("SELECT FROM pg_stat_activity WHERE application_name = 'theirs'")).length).toBe(1);
  });
});

describe("a server", () => {
  it("that refuses connections is unavailable at once", async () => {
    const port = await closedPort();
    const begin = performance.now();
    const error = await refusal(() => open({ url: `postgres://u:hunter2@127.0.0.1:${port}/d` }).readRegistry());
    expect(error).toMatchObject({
      code: "STORE_UNAVAILABLE",
      retryable: true,
      message: expect.stringMatching(/127\.0\.0\.1:\d+\/d.*ECONNREFUSED.*check address/),
    });
    expect(performance.now() - begin).toBeLessThan(1_000);
    expect(everything(error)).not.toContain("hunter2");
  });

  it("that says nothing is given up on in time, and close does not wait for it", async () => {
    const sockets: { destroy(): void }[] = [];
    const server = createServer((socket) => void sockets.push(socket));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = `postgres://u:hunter2@127.0.0.1:${(server.address() as AddressInfo).port}/d`;
    try {
      const begin = performance.now();
      const error = await refusal(() => open({ url, timeoutMs: 200 }).readRegistry());
      expect(error).toMatchObject({ code: "STORE_UNAVAILABLE", retryable: true });
      expect(performance.now() - begin).toBeLessThan(1_000);
      expect(everything(error)).not.toContain("hunter2");

      const store = open({ url, timeoutMs: 1_500 });
      const pending = refusal(() => store.readRegistry());
      const closed = store.close();
      const answered = performance.now();
      expect((await pending).code).toBe("CLOSED");
      expect(performance.now() - answered).toBeLessThan(500);
      await closed;
    } finally {
      for (const socket of sockets) socket.destroy();
      server.close();
    }
  });

  it("that does not know the user, the password or the database says so", async () => {
    const wrong = await refusal(() => open({ url: withParts(database.url, { password: "hunter2" }) }).readRegistry());
    expect(wrong).toMatchObject({ code: "STORE_LOCKED", message: expect.stringMatching(/check user, password/) });
    expect(everything(wrong)).not.toContain("hunter2");
    const missing = await refusal(() => open({ url: withParts(database.url, { database: "absent" }) }).readRegistry());
    expect(missing).toMatchObject({ code: "STORE_INVALID", message: expect.stringContaining("no such database") });
    expect(everything(missing)).not.toContain(new URL(database.url).password);
  });

  it("that is busy with a lock fails the call in time, and does not keep what nobody waits for", async () => {
    await open().apply([row("a")], []);
    const release = await database.hold("LOCK TABLE causalmesh.rows");
    try {
      const error = await refusal(() => open({ url: database.url, timeoutMs: 300 }).apply([row("a", { timestamp: 2 })], []));
      expect(error).toMatchObject({ code: "STORE_UNAVAILABLE", retryable: true });
      await expect.poll(async () => await database.query("SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'"), { timeout: 2_000 }).toEqual([]);
    } finally {
      await release();
    }
    expect((await open().getMany(["a"]))[0]?.timestamp).toBe(1);
  });

  it("never has more connections of a store than it may have", async () => {
    const store = open({ url: `${database.url}?application_name=bounded`, connections: 3 });
    const calls = Array.from({ length: 60 }, (_, index) => store.apply([row(`key ${index}`)], []));
    const [{ count }] = await database.query("SELECT count(*)::int FROM pg_stat_activity WHERE application_name = 'bounded'");
    await Promise.all(calls);
    expect(count).toBeLessThanOrEqual(3);
    const after = await database.query("SELECT FROM pg_stat_activity WHERE application_name = 'bounded'");
    expect(after.length).toBe(3);
    await store.close();
    await expect.poll(async () => await database.query("SELECT FROM pg_stat_activity WHERE application_name = 'bounded'")).toEqual([]);
  });

  it("that is full refuses an apply whole, and takes it when there is room", async () => {
    const store = open();
    await store.apply([], []);
    // The server's own error for a full disk, raised where it would be: at a row in the middle.
    await database.query(`CREATE FUNCTION causalmesh.full() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$`);
    await database.query("CREATE TRIGGER full_disk BEFORE INSERT ON causalmesh.rows FOR EACH ROW WHEN (new.key = 'b') EXECUTE FUNCTION causalmesh.full()");
    const rows = ["a", "b", "c"].map((key) => row(key));
    expect(await refusal(() => store.apply(rows, [[1, 1]]))).toMatchObject({ code: "STORE_FULL", message: expect.stringContaining("make room") });
    expect(await store.getMany(["a", "c"])).toEqual([undefined, undefined]);
    expect((await store.readRegistry()).flushed).toEqual([]);
    await database.query("DROP TRIGGER full_disk ON causalmesh.rows");
    await store.apply(rows, [[1, 1]]);
    expect((await store.readRegistry()).flushed).toEqual([[1, 1]]);
  });
});

describe("a crash of the server", () => {
  it("in the middle of applies: they fail, then succeed again, and the store holds the winners and all that was acknowledged", async () => {
    const keys = Array.from({ length: 20 }, (_, index) => `key ${index}`);
    const batch = (at: number): Row[] => keys.map((key) => row(key, { timestamp: at, counter: at, value: Buffer.from(`${at} ${"x".repeat(500)}`) }));
    const writers = [open({ url: database.url }), open({ url: database.url, connections: 2 })];
    const failures: MeshError[] = [];
    const acknowledged = [0, 0];
    let next = 0;
    let writing = true;
    const running = writers.map(async (store, writer) => {
      while (writing) {
        const at = ++next;
        try {
          await store.apply(batch(at), [[1, at]]);
          acknowledged[writer] = at;
        } catch (error) {
          failures.push(error as MeshError);
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      }
    });
    for (let crash = 0; crash < 2; crash++) {
      const [before, failed] = [Math.max(...acknowledged), failures.length];
      await expect.poll(() => Math.min(...acknowledged), { timeout: 20_000 }).toBeGreaterThan(before + 5);
      await database.server.kill();
      await expect.poll(() => failures.length).toBeGreaterThan(failed + 1);
      await database.server.restart();
    }
    const last = Math.max(...acknowledged);
    await expect.poll(() => Math.min(...acknowledged), { timeout: 20_000 }).toBeGreaterThan(last);
    writing = false;
    await Promise.all(running);

    const found = await writers[0].getMany(keys);
    const newest = found[0]!.timestamp;
    expect(new Set(found.map((each) => each!.timestamp))).toEqual(new Set([newest]));
    expect(newest).toBeGreaterThanOrEqual(Math.max(...acknowledged));
    expect((await writers[0].readRegistry()).flushed).toEqual([[1, newest]]);
    expect(new Set(failures.map(({ code, retryable }) => `${code} ${retryable}`))).toEqual(new Set(["STORE_UNAVAILABLE true"]));
    expect(failures.map(everything).join("\n")).not.toContain(new URL(database.url).password);
  });

  it("while nobody calls is not noticed", async () => {
    const store = open();
    await store.apply([row("a")], [[1, 1]]);
    await database.server.restart();
    expect((await store.getMany(["a"]))[0]?.timestamp).toBe(1);
  });
});

describe("a role", () => {
  const roleUrl = (): string => withParts(database.url, { user: "limited", password: "limited" });
  beforeAll(async () => void (await database.query("CREATE ROLE limited LOGIN PASSWORD 'limited'")));
  afterAll(async () => void (await database.query("DROP OWNED BY limited; DROP ROLE limited")));

  it("that may not make the tables is told what would let it", async () => {
    const error = await refusal(() => open({ url: roleUrl() }).readRegistry());
    expect(error).toMatchObject({ code: "STORE_LOCKED", message: expect.stringMatching(/permission denied for database/) });
    const [, grant] = / (GRANT CREATE ON DATABASE .*?), or,/.exec(error.message)!;
    await database.query(grant);
    await open({ url: roleUrl() }).apply([row("a")], []);
    await database.query("DROP SCHEMA causalmesh CASCADE; DROP OWNED BY limited");
    await database.query("CREATE SCHEMA causalmesh");
    const [, grantSchema] = / is there, (GRANT .*)$/.exec((await refusal(() => open({ url: roleUrl() }).readRegistry())).message)!;
    await database.query(grantSchema);
    await open({ url: roleUrl() }).apply([row("a")], []);
  });

  it("with no more than the rights that the message names does everything on tables that are there", async () => {
    await open().apply([row("before", { value: null })], []);
    await database.query("UPDATE causalmesh.rows SET dead_at = dead_at - interval '25 hours'");
    const error = await refusal(() => open({ url: roleUrl() }).readRegistry());
    expect(error).toMatchObject({ code: "STORE_LOCKED", message: expect.stringMatching(/permission denied for schema causalmesh/) });
    await database.query(/GRANT .*$/.exec(error.message)![0]);
    const store = open({ url: roleUrl() });
    await store.apply([row("a")], [[1, 1]]);
    expect(await store.swapRegistry(0, { epoch: 1, bytes: Buffer.from("{}") })).toBe(true);
    expect(await store.swapRegistry(1, { epoch: 2, bytes: Buffer.from("{}") })).toBe(true);
    expect((await store.scan("", undefined, 10)).rows.map(({ key }) => key)).toEqual(["a"]);
  });

  it("that lacks one right on one table is told which table, and what to grant", async () => {
    await open().apply([], []);
    await database.query("GRANT USAGE ON SCHEMA causalmesh TO limited; GRANT SELECT ON ALL TABLES IN SCHEMA causalmesh TO limited");
    const store = open({ url: roleUrl() });
    expect(await store.getMany(["a"])).toEqual([undefined]);
    const error = await refusal(() => store.apply([row("a")], []));
    expect(error).toMatchObject({
      code: "STORE_LOCKED",
      message: expect.stringMatching(/permission denied for table.*GRANT SELECT, INSERT, UPDATE, DELETE ON/),
    });
    await database.query(/GRANT .*$/.exec(error.message)![0]);
    await store.apply([row("a")], []);
  });

  it("whose transactions are serializable loses none of many calls to one key", async () => {
    await open().apply([row("a")], [[1, 1]]);
    const setting = "-c default_transaction_isolation=serializable";
    const pair = [0, 1].map(() => open({ url: database.url, connections: 1, config: { options: setting } }));
    for (let at = 2; at < 80; at++) await Promise.all(pair.map((store, index) => store.apply([row("a", { timestamp: at, replica: index })], [[1, at]])));
    expect((await pair[0].getMany(["a"]))[0]).toMatchObject({ timestamp: 79, replica: 1 });
  });
});

describe("a database", () => {
  it("of a newer version is refused, and says what to do", async () => {
    await open().apply([row("a")], []);
    await database.query("UPDATE causalmesh.format SET version = 7");
    const error = await refusal(() => open().getMany(["a"]));
    expect(error).toMatchObject({ code: "STORE_INVALID", retryable: false, message: expect.stringMatching(/format 7.*reads up to 1; install the version/) });
    await database.query("DELETE FROM causalmesh.format");
    expect(await refusal(() => open().getMany(["a"]))).toMatchObject({ code: "STORE_INVALID", message: expect.stringContaining("restore") });
  });

  it("whose tables are dropped under a mesh is not quietly begun anew", async () => {
    const store = open();
    await store.apply([row("a")], []);
    await database.query("DROP SCHEMA causalmesh CASCADE");
    expect(await refusal(() => store.getMany(["a"]))).toMatchObject({ code: "STORE_INVALID", message: expect.stringContaining("are gone") });
    expect(await refusal(() => store.apply([row("a")], []))).toMatchObject({ code: "STORE_INVALID" });
  });

  it("with somebody else's table of that name is left alone", async () => {
    await database.query("CREATE SCHEMA causalmesh; CREATE TABLE causalmesh.registry (theirs int)");
    expect(await refusal(() => open().readRegistry())).toMatchObject({ code: "STORE_INVALID", message: expect.stringContaining("choose another") });
    expect(await database.query("SELECT to_regclass('causalmesh.rows') AS rows")).toEqual([{ rows: null }]);
  });

  it("of another encoding is refused", async () => {
    await database.query("CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'");
    const store = open({ url: withParts(database.url, { database: "latin" }) });
    expect(await refusal(() => store.readRegistry())).toMatchObject({ code: "STORE_INVALID", message: expect.stringContaining("ENCODING 'UTF8'") });
    await store.close();
    await database.query("DROP DATABASE latin WITH (FORCE)");
  });

  it("holds several meshes, apart by prefix or by schema, from the options or from the URL", async () => {
    const each = [
      open({ url: database.url }),
      open({ url: database.url, prefix: "shop_" }),
      open({ url: `${database.url}?prefix=Shop_` }),
      open({ url: `${database.url}?schema=causal%20mesh`, prefix: "shop_" }),
    ];
    await Promise.all(each.map((store, index) => store.apply([row("a", { timestamp: index + 1 })], [[index, 1]])));
    await Promise.all(each.map((store) => store.swapRegistry(0, { epoch: 1, bytes: Buffer.from("{}") })));
    for (const [index, store] of each.entries()) {
      expect((await store.getMany(["a"]))[0]?.timestamp).toBe(index + 1);
      expect((await store.readRegistry()).flushed).toEqual([[index, 1]]);
    }
    await database.query('DROP SCHEMA "causal mesh" CASCADE');
  });

  it("takes overlapping applies in any order of their rows and counters, without a deadlock", async () => {
    const pair = [open(), open()];
    const numbers = Array.from({ length: 3000 }, (_, index) => index);
    for (let at = 1; at <= 4; at++) {
      const rows = numbers.map((number) => row(`key ${number}`, { timestamp: at }));
      await Promise.all([pair[0].apply(rows, []), pair[1].apply([...rows].reverse(), [])]);
      const counters = numbers.map((number) => [number, at] as const);
      await Promise.all([pair[0].apply([], counters), pair[1].apply([], [...counters].reverse())]);
    }
    await expect
      .poll(async () => await database.query("SELECT deadlocks::int, xact_commit > 16 AS counted FROM pg_stat_database WHERE datname = current_database()"))
      .toEqual([{ deadlocks: 0, counted: true }]);
  });
});

describe("a pool of the user's", () => {
  it("is used and not ended, and its listeners are left as they were", async () => {
    const pool = new pg.Pool({ connectionString: database.url, max: 2 });
    const store = postgresStore({ pool });
    expect(store.name).toBe(`postgres at ${new URL(database.url).host}${new URL(database.url).pathname}`);
    await Promise.all(Array.from({ length: 10 }, (_, index) => store.apply([row(`key ${index}`)], [])));
    const held = await pool.connect();
    const other = await pool.connect();
    // Both connections are in use elsewhere: this call waits, and ends with the store.
    const waiting = refusal(() => store.getMany(["key 1"]));
    const closed = store.close();
    expect((await waiting).code).toBe("CLOSED");
    await closed;
    expect(pool.listenerCount("error")).toBe(0);
    held.release();
    other.release();
    expect((await pool.query("SELECT count(*)::int FROM causalmesh.rows")).rows).toEqual([{ count: 10 }]);
    expect([pool.ended, pool.waitingCount]).toEqual([false, 0]);
    await pool.end();
  });

  it("loses no connection to a call that close ended", async () => {
    const pool = new pg.Pool({ connectionString: database.url, max: 1 });
    const store = postgresStore({ pool });
    await store.apply([row("a")], []);
    const release = await database.hold("LOCK TABLE causalmesh.rows");
    const stuck = refusal(() => store.getMany(["a"]));
    await expect.poll(async () => (await database.query("SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'")).length).toBe(1);
    await store.close();
    expect((await stuck).code).toBe("CLOSED");
    expect(pool.totalCount).toBe(0);
    expect((await pool.query("SELECT 1 AS one")).rows).toEqual([{ one: 1 }]);
    await pool.end();
    await release();
  });

  it("that has no connection to give fails the call in time", async () => {
    const pool = new pg.Pool({ connectionString: database.url, max: 1 });
    const held = await pool.connect();
    const store = postgresStore({ pool, timeoutMs: 200 });
    expect(await refusal(() => store.getMany(["a"]))).toMatchObject({ code: "STORE_UNAVAILABLE", message: expect.stringContaining("within 200 ms") });
    held.release();
    expect(await store.getMany(["a"])).toEqual([undefined]);
    await store.close();
    await pool.end();
  });
});

describe("a process", () => {
  it("that has nothing else to do is not kept alive by an open store", async () => {
    const index = new URL("../dist/index.js", import.meta.url).href;
    const script = `import { postgresStore } from ${JSON.stringify(index)}; await postgresStore({ url: process.env.STORE }).readRegistry();`;
    const begin = performance.now();
    const child = spawn(process.execPath, ["--input-type=module", "--eval", script], { env: { ...process.env, STORE: database.url }, stdio: "inherit" });
    expect(await once(child, "exit")).toEqual([0, null]);
    // An idle connection of pg's pool lives for ten seconds.
    expect(performance.now() - begin).toBeLessThan(8_000);
  });
});

async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
