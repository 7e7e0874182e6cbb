// What `inspectPostgres` says of a database, and that it leaves it as it was.

import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { inspectPostgres, postgresStore } from "../src/index.js";
import { TestDatabase, withParts } from "./support/database.js";

let database: TestDatabase;

beforeAll(async () => {
  database = await TestDatabase.start({ own: true });
  await database.query("CREATE ROLE guest LOGIN PASSWORD 'guest'");
});
afterAll(async () => await database.stop());
afterEach(async () => {
  await database.query("DROP SCHEMA IF EXISTS causalmesh CASCADE");
  await database.query("DROP OWNED BY guest");
});

const guestUrl = (): string => withParts(database.url, { user: "guest", password: "guest" });

async function makeTables(): Promise<void> {
  const store = postgresStore({ url: database.url });
  await store.readRegistry();
  await store.close();
}

async function schemas(): Promise<unknown[]> {
  return (await database.query("SELECT nspname FROM pg_namespace ORDER BY nspname")).map(({ nspname }) => nspname);
}

it("a database that no mesh has used stays as it is", async () => {
  const before = await schemas();
  const found = await inspectPostgres({ url: database.url });
  expect(found).toEqual({
    name: expect.stringMatching(/^postgres at 127\.0\.0\.1:\d+\/causalmesh_test_/) as string,
    role: "mesh",
    version: undefined,
    versionExpected: 1,
    problem: undefined,
    writable: true,
    missing: [],
    grant: undefined,
  });
  expect(await schemas()).toEqual(before);
  expect(before).not.toContain("causalmesh");
});

it("tables of this version are told apart from none, also under a prefix", async () => {
  await makeTables();
  expect(await inspectPostgres({ url: database.url })).toMatchObject({ version: 1, problem: undefined, missing: [] });
  expect(await inspectPostgres({ url: database.url, prefix: "other_" })).toMatchObject({ version: undefined, problem: undefined, missing: [] });
});

describe("the rights of a role", () => {
  it("that may not make the schema, or the tables in it: what is missing, and the GRANT that helps", async () => {
    const first = await inspectPostgres({ url: guestUrl() });
    expect(first.missing).toEqual(["CREATE on the database, to make the schema causalmesh"]);
    expect(first.grant).toMatch(/^GRANT CREATE ON DATABASE "causalmesh_test_\w+" TO "guest"$/);
    await database.query(first.grant!);
    expect(await inspectPostgres({ url: guestUrl() })).toMatchObject({ missing: [], grant: undefined });
    await database.query("CREATE SCHEMA causalmesh");
    const second = await inspectPostgres({ url: guestUrl() });
    expect(second).toMatchObject({
      missing: ["USAGE and CREATE on the schema causalmesh, to make the tables"],
      grant: 'GRANT USAGE, CREATE ON SCHEMA "causalmesh" TO "guest"',
    });
    await database.query(second.grant!);
    expect(await inspectPostgres({ url: guestUrl() })).toMatchObject({ missing: [], grant: undefined });
  });

  it("that may not use tables which are there: each right by its name, and the GRANT that helps", async () => {
    await makeTables();
    const none = await inspectPostgres({ url: guestUrl() });
    expect(none).toMatchObject({ role: "guest", version: undefined, problem: undefined });
    expect(none.missing).toHaveLength(1 + 4 * 4);
    expect(none.missing).toContain("USAGE on the schema causalmesh");
    await database.query("GRANT USAGE ON SCHEMA causalmesh TO guest; GRANT SELECT ON ALL TABLES IN SCHEMA causalmesh TO guest");
    await database.query("GRANT INSERT, UPDATE, DELETE ON causalmesh.registry, causalmesh.flushed, causalmesh.format TO guest");
    const some = await inspectPostgres({ url: guestUrl() });
    expect(some).toMatchObject({ version: 1, missing: ["DELETE on causalmesh.rows", "INSERT on causalmesh.rows", "UPDATE on causalmesh.rows"] });
    await database.query(some.grant!);
    expect(await inspectPostgres({ url: guestUrl() })).toMatchObject({ version: 1, missing: [], grant: undefined });
  });
});

describe("a store that cannot be used as it is", () => {
  it.each([
    ["of a newer version", "UPDATE causalmesh.format SET version = 99", /format 99/],
    ["without a version", "DELETE FROM causalmesh.format", /format is empty/],
    ["with a table missing", "DROP TABLE causalmesh.flushed", /there are only format, registry, rows; restore/],
  ])("%s", async (_what, sql, message) => {
    await makeTables();
    await database.query(sql);
    const { problem, version } = await inspectPostgres({ url: database.url });
    expect([version, problem?.code, problem?.message]).toEqual([undefined, "STORE_INVALID", expect.stringMatching(message)]);
  });

  it("because the server takes no writes", async () => {
    await makeTables();
    await database.query("ALTER ROLE guest SET default_transaction_read_only = on");
    try {
      expect(await inspectPostgres({ url: guestUrl() })).toMatchObject({ writable: false });
    } finally {
      await database.query("ALTER ROLE guest RESET ALL");
    }
  });

  it("because nobody lets the role in, or answers", async () => {
    await expect(inspectPostgres({ url: withParts(database.url, { password: "hunter2" }) })).rejects.toMatchObject({ code: "STORE_LOCKED" });
    await expect(inspectPostgres({ url: "postgres://u:hunter2@127.0.0.1:1/d" })).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  });
});
