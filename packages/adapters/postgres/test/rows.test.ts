// What stands in the tables: people can read it, every byte comes back, and what shows nothing any more goes in time.

import { createMesh, limits, type Row, type Store } from "@causalmesh/core";
import pg from "pg";
import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, it } from "vitest";
import { postgresStore } from "../src/index.js";
import { TestDatabase } from "./support/database.js";

let database: TestDatabase;
let store: Store;
const open = (): Store => postgresStore({ url: database.url });

beforeAll(async () => void (database = await TestDatabase.start()));
afterAll(async () => await database.stop());
beforeEach(() => void (store = open()));
afterEach(async () => {
  await store.close();
  await database.query("DROP SCHEMA IF EXISTS causalmesh CASCADE");
});

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const row = (key: string, fields: Partial<Row> = {}): Row => ({ key, value: bytes("v"), timestamp: 100, replica: 1, counter: 1, expiresAt: 0, ...fields });
const valueOf = async (key: string): Promise<Uint8Array | null | undefined> => {
  const value = (await store.getMany([key]))[0]?.value;
  return value && new Uint8Array(value);
};

describe("people", () => {
  it("find keys and JSON values as they are", async () => {
    const mesh = await createMesh({ nodes: 3, store });
    await mesh.session().set("cart:42", { items: ["tea"] }, { durability: "stored" });
    await mesh.close();
    expect(await database.query("SELECT value::jsonb -> 'items' ->> 0 AS item, value_bytes FROM causalmesh.rows WHERE key = 'cart:42'")).toEqual([
      { item: "tea", value_bytes: null },
    ]);
    const [{ members }] = await database.query("SELECT jsonb_array_length(value::jsonb -> 'members') AS members FROM causalmesh.registry");
    expect(members).toBe(3);
  });

  it("tell a deletion from an empty value, and bytes from text", async () => {
    await store.apply([row("deleted", { value: null }), row("empty", { value: bytes("") }), row("bytes", { value: Uint8Array.of(0xff, 0) })], []);
    expect(await database.query("SELECT key, value, encode(value_bytes, 'hex') AS hex FROM causalmesh.rows ORDER BY key")).toEqual([
      { key: "bytes", value: null, hex: "ff00" },
      { key: "deleted", value: null, hex: null },
      { key: "empty", value: "", hex: null },
    ]);
  });
});

describe("every byte comes back", () => {
  it.each([
    ["a byte order mark", [0xef, 0xbb, 0xbf, 0x61]],
    ["NUL in text", [0x61, 0, 0x62]],
    ["a surrogate in UTF-8", [0xed, 0xa0, 0x80]],
    ["the last code point", [0xf4, 0x8f, 0xbf, 0xbf]],
    ["one beyond it", [0xf4, 0x90, 0x80, 0x80]],
    ["an overlong slash", [0xc0, 0xaf]],
    ["half a character", [0xe2, 0x82]],
    ["what arrays and strings quote", [...bytes(String.raw`{"a\\b",NULL}'\x41`)]],
    ["the word NULL", [...bytes("NULL")]],
    ["line ends", [0x0d, 0x0a, 0x0d]],
  ])("of %s", async (_what, value) => {
    await store.apply([row("k", { value: Uint8Array.from(value) })], []);
    expect(await valueOf("k")).toEqual(Uint8Array.from(value));
  });

  it("also with a database that writes bytes in the old form, and a program that parses integers otherwise", async () => {
    await store.apply([row("k", { value: Uint8Array.from({ length: 256 }, (_, index) => index), timestamp: 2 ** 52 + 1 })], [[1, 2 ** 48 - 1]]);
    // 20 is the type of Postgres' 64-bit integers.
    const types = { getTypeParser: (oid: number, format?: never) => (oid === 20 ? BigInt : (pg.types.getTypeParser(oid, format) as never)) };
    const other = postgresStore({ url: database.url, config: { options: "-c bytea_output=escape", types: types as never } });
    const [found] = await other.getMany(["k"]);
    expect([found!.value!.length, found!.value![255], found!.timestamp]).toEqual([256, 255, 2 ** 52 + 1]);
    expect((await other.readRegistry()).flushed).toEqual([[1, 2 ** 48 - 1]]);
    await other.close();
  });
});

describe("much at once", () => {
  const large = (index: number): Row => row(`large ${String(index).padStart(2, "0")}`, { value: new Uint8Array(limits.VALUE_BYTES_MAX).fill(97 + index) });

  it("is applied whole or not at all, in several statements", async () => {
    const rows = Array.from({ length: 10 }, (_, index) => large(index));
    await store.apply([], []);
    await database.query("ALTER TABLE causalmesh.rows ADD CONSTRAINT no_nine CHECK (key <> 'large 09')");
    await expect(store.apply(rows, [[1, 5]])).rejects.toMatchObject({ code: "STORE_INVALID" });
    expect((await store.scan("", undefined, 10)).rows).toEqual([]);
    expect((await store.readRegistry()).flushed).toEqual([]);
    await database.query("ALTER TABLE causalmesh.rows DROP CONSTRAINT no_nine");
    await store.apply(rows, [[1, 5]]);
    expect((await store.getMany(rows.map(({ key }) => key))).map((found) => found?.value?.[0])).toEqual(rows.map(({ value }) => value![0]));
  });

  it("is scanned in pages of bounded size", async () => {
    for (let index = 0; index < 20; index += 4)
      await store.apply(
        [0, 1, 2, 3].map((offset) => large(index + offset)),
        [],
      );
    const first = await store.scan("", undefined, 10_000);
    expect([first.rows.length, first.cursor]).toEqual([16, "large 15"]);
    const second = await store.scan("", first.cursor, 10_000);
    expect([second.rows.length, second.cursor]).toEqual([4, undefined]);
  });

  it("is scanned even where one row is larger than a page", async () => {
    await store.apply([row("a"), row("b", { value: new Uint8Array(17 * 1024 * 1024).fill(97) }), row("c")], []);
    const pages: (readonly string[])[] = [];
    let cursor: string | undefined;
    do {
      const page = await store.scan("", cursor, 10);
      pages.push(page.rows.map(({ key }) => key));
      cursor = page.cursor;
    } while (cursor !== undefined);
    expect(pages).toEqual([["a"], ["b"], ["c"]]);
  });

  it.each([
    ["\ud7ff", ["\ud7ff", "\ud7ff\u{10ffff}"]],
    ["\u{10ffff}", ["\u{10ffff}"]],
    ["\u0000", ["\u0000", "\u0000\u0001"]],
    ["\u0001", ["\u0001"]],
  ])("is scanned by the prefix %j, whose successor is no plain next character", async (prefix, keys) => {
    await store.apply(
      ["\u0000", "\u0000\u0001", "\u0001", "\u0002", "\ud7ff", "\ud7ff\u{10ffff}", "\ue000", "\u{10ffff}"].map((key) => row(key)),
      [],
    );
    expect((await store.scan(prefix, undefined, 10)).rows.map(({ key }) => key)).toEqual(keys);
  });
});

describe("rows that show nothing any more", () => {
  const keys = async (): Promise<unknown[]> => (await database.query("SELECT key FROM causalmesh.rows ORDER BY key")).map(({ key }) => key);
  const hoursUntilDead = async (key: string): Promise<unknown> => {
    const sql = "SELECT round(extract(epoch FROM dead_at - now()) / 3600)::int AS hours FROM causalmesh.rows WHERE key = $1";
    return (await database.query(sql, [key]))[0].hours;
  };

  it("are kept for a day after they were written or have expired, whatever their timestamps", async () => {
    await store.apply([row("deleted", { value: null }), row("expired", { expiresAt: 1000 }), row("expires", { expiresAt: Date.now() + 3_600_000 })], []);
    await store.apply([row("lives")], []);
    expect([await hoursUntilDead("deleted"), await hoursUntilDead("expired"), await hoursUntilDead("expires")]).toEqual([24, 24, 25]);
    expect(await hoursUntilDead("lives")).toBeNull();
    await store.apply([row("deleted", { timestamp: 200 })], []);
    expect(await hoursUntilDead("deleted")).toBeNull();
  });

  it("go then with the first apply of a store, and no others do", async () => {
    await store.apply([row("deleted", { value: null }), row("expired", { expiresAt: 1000 }), row("fresh", { value: null }), row("lives")], []);
    await database.query("UPDATE causalmesh.rows SET dead_at = dead_at - interval '25 hours' WHERE key IN ('deleted', 'expired')");
    await store.apply([], []);
    expect(await keys(), "within a minute of the last look").toEqual(["deleted", "expired", "fresh", "lives"]);
    const other = open();
    await other.apply([], []);
    await other.close();
    expect(await keys()).toEqual(["fresh", "lives"]);
  });

  it("go in bounded numbers, apply after apply until none is left", async () => {
    await store.apply([], []);
    await database.query("INSERT INTO causalmesh.rows SELECT n::text, NULL, NULL, 1, 1, n, 0, now() - interval '1 hour' FROM generate_series(1, $1) AS n", [
      limits.FLUSH_ROWS_MAX + 10,
    ]);
    const other = open();
    await other.apply([], []);
    expect((await keys()).length).toBe(10);
    await other.apply([], []);
    await other.close();
    expect(await keys()).toEqual([]);
  });

  it("wait for nobody who holds one of them", async () => {
    await store.apply([row("a", { value: null }), row("b", { value: null })], []);
    await database.query("UPDATE causalmesh.rows SET dead_at = dead_at - interval '25 hours'");
    const release = await database.hold("SELECT FROM causalmesh.rows WHERE key = 'a' FOR UPDATE");
    const other = postgresStore({ url: database.url, timeoutMs: 2_000 });
    await other.apply([], []);
    await other.close();
    await release();
    expect(await keys()).toEqual(["a"]);
  });
});

describe("a mesh", () => {
  it("finds after a restart what the last one wrote", async () => {
    const first = await createMesh({ nodes: 3, store });
    const session = first.session();
    for (let index = 0; index < 50; index++) await session.set(`key ${index}`, { index });
    await session.delete("key 7", { durability: "stored" });
    const token = await session.token();
    await first.close();
    await store.close();
    const again = open();
    const second = await createMesh({ nodes: 3, store: again });
    const later = second.session(token);
    expect(await later.getMany(["key 0", "key 7", "key 49"])).toEqual([{ index: 0 }, undefined, { index: 49 }]);
    await second.close();
    await again.close();
  });
});
