import { describe, expect, it } from "vitest";
import { formatStoreUrl, openStore, parseStoreUrl, storeUrlText } from "../src/store-url.js";

describe("parseStoreUrl", () => {
  it.each([
    ["memory:", { kind: "memory" }],
    ["memory://", { kind: "memory" }],
    ["MEMORY:", { kind: "memory" }],
    ["lmdb:./data", { kind: "lmdb", path: "/home/me/data" }],
    ["lmdb:data", { kind: "lmdb", path: "/home/me/data" }],
    ["lmdb:../data", { kind: "lmdb", path: "/home/data" }],
    ["lmdb:/var/data", { kind: "lmdb", path: "/var/data" }],
    ["lmdb:///var/data", { kind: "lmdb", path: "/var/data" }],
    ["lmdb://./data", { kind: "lmdb", path: "/home/me/data" }],
    ["lmdb:./with space%20and:colon", { kind: "lmdb", path: "/home/me/with space%20and:colon" }],
    ["postgres://u:p@h:6000/db?schema=s", { kind: "postgres", url: "postgres://u:p@h:6000/db?schema=s" }],
    ["postgresql://h/db", { kind: "postgres", url: "postgres://h/db" }],
    ["Postgres://h", { kind: "postgres", url: "postgres://h" }],
  ])("%s", (text, expected) => {
    expect(parseStoreUrl(text, "/home/me")).toEqual(expected);
  });

  it.each([
    "",
    "data",
    "./data",
    "memory:x",
    "lmdb:",
    "lmdb://",
    "lmdb:a\0b",
    "mysql://u:p@h/db",
    "redis://h:6379",
    "dynamodb://table?region=x",
    "nonsense:",
    ":",
    "://",
  ])("refuses %j and says what there is", (text) => {
    expect(() => parseStoreUrl(text, "/home/me")).toThrow(
      expect.objectContaining({ code: "OPTION_INVALID", message: expect.stringMatching(/lmdb:\.\/|memory: takes/) }),
    );
  });

  it("suggests lmdb: for a path", () => {
    expect(() => parseStoreUrl("./data", "/")).toThrow(/did you mean lmdb:\.\/data\?/);
  });

  it.each(["postgres:", "postgresql://"])("refuses %j and says what it needs", (text) => {
    expect(() => parseStoreUrl(text, "/")).toThrow(expect.objectContaining({ code: "OPTION_INVALID", message: expect.stringContaining("postgres://user") }));
  });

  it.each(["mysql://me:hunter2@db/prod", "me:hunter2@db", "hunter2@db"])("never repeats the password of %s", (text) => {
    expect(() => parseStoreUrl(text, "/")).toThrow(expect.objectContaining({ message: expect.not.stringContaining("hunter2") }));
  });

  it("formats what it parses", () => {
    for (const text of ["memory:", "lmdb:/a b/c", "postgres://h:6000/db"]) expect(formatStoreUrl(parseStoreUrl(text, "/"))).toBe(text);
  });

  it.each([
    ["postgres://me:hunter2@db:6000/prod", "postgres://db:6000/prod"],
    ["postgres://me:hun@ter2@db/prod", "postgres://db/prod"],
    ["postgres://db/prod?password=hunter2", "postgres://db/prod"],
    ["postgres://me@[::1]/prod", "postgres://[::1]/prod"],
  ])("formats %s without its secrets, and gives it to a process whole", (text, formatted) => {
    expect(formatStoreUrl(parseStoreUrl(text, "/"))).toBe(formatted);
    expect(storeUrlText(parseStoreUrl(text, "/"))).toBe(text);
  });

  it.each(["postgres://me:5/hunter2@db/prod", "postgres://me:5?hunter2@db/prod", "postgres://me:5#hunter2@db/prod"])(
    "refuses %s, whose password would be taken for a part of the address",
    (text) => {
      expect(() => parseStoreUrl(text, "/")).toThrow(
        expect.objectContaining({ code: "OPTION_INVALID", message: expect.stringMatching(/^(?!.*(hunter2|me:5)).*%2F %3F %23/s) }),
      );
    },
  );

  it("opens a store in memory", async () => {
    const store = await openStore({ kind: "memory" });
    expect(store.abilities).toMatchObject({ durable: false, shared: false });
    await store.close();
  });

  it("opens none where pg does not understand the address, and does not repeat it", async () => {
    const opening = openStore(parseStoreUrl("postgres://me:hunter2@db:x/prod", "/"));
    await expect(opening).rejects.toMatchObject({ code: "OPTION_INVALID", message: expect.not.stringContaining("hunter2") });
  });

  it("opens a store in Postgres, which connects when it is used", async () => {
    const store = await openStore(parseStoreUrl("postgresql://me:hunter2@db.example/prod?prefix=shop_", "/"));
    expect([store.name, store.abilities.shared]).toEqual(["postgres at db.example:5432/prod", true]);
    await store.close();
  });
});
