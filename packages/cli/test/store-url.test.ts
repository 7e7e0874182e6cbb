import { describe, expect, it } from "vitest";
import { formatStoreUrl, namedStore, openStore, parseStoreUrl, storeUrlText } from "../src/store-url.js";

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
    ["redis://u:p@h:7000/3?prefix=s", { kind: "redis", url: "redis://u:p@h:7000/3?prefix=s" }],
    ["dynamodb://Table", { kind: "dynamodb", table: "Table", options: {} }],
    [
      "dynamodb://t.a-b?region=eu-central-1&endpoint=http://h:8000&prefix=shop",
      { kind: "dynamodb", table: "t.a-b", options: { region: "eu-central-1", endpoint: "http://h:8000", prefix: "shop" } },
    ],
    ["REDISS://h", { kind: "redis", url: "rediss://h" }],
    ["postgres://u:p@h:6000/db?schema=s", { kind: "postgres", url: "postgres://u:p@h:6000/db?schema=s" }],
    ["postgresql://h/db", { kind: "postgres", url: "postgres://h/db" }],
    ["Postgres://h", { kind: "postgres", url: "postgres://h" }],
  ])("%s", (text, expected) => {
    expect(parseStoreUrl(text, "/home/me")).toEqual(expected);
  });

  it.each(["", "data", "./data", "memory:x", "lmdb:", "lmdb://", "lmdb:a\0b", "mysql://u:p@h/db", "cassandra://h", "nonsense:", ":", "://"])(
    "refuses %j and says what there is",
    (text) => {
      expect(() => parseStoreUrl(text, "/home/me")).toThrow(
        expect.objectContaining({ code: "OPTION_INVALID", message: expect.stringMatching(/lmdb:\.\/|memory: takes/) }),
      );
    },
  );

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

  it.each(["redis:", "rediss://", "redis://me:a/b@h", "redis://me:a?b@h", "redis://h#1"])("refuses %j and says how it is written", (text) => {
    expect(() => parseStoreUrl(text, "/")).toThrow(
      expect.objectContaining({ code: "OPTION_INVALID", message: expect.stringMatching(/redis(s:|:\/\/user)|%2F/) }),
    );
  });

  it("gives a redis URL whole to our own processes, and shows it without user, password and parameters", () => {
    const text = "rediss://me:hunter2@db.example:7000/3?prefix=shop";
    expect(storeUrlText(parseStoreUrl(text, "/"))).toBe(text);
    expect(formatStoreUrl(parseStoreUrl(text, "/"))).toBe("rediss://db.example:7000/3");
    expect(storeUrlText(parseStoreUrl("lmdb:/a b/c", "/"))).toBe("lmdb:/a b/c");
  });

  it.each([
    "dynamodb:",
    "dynamodb://ab",
    "dynamodb://key:hunter2@table",
    "dynamodb://table/x",
    "dynamodb://table?secret=hunter2",
    "dynamodb://table?endpoint=http://a:hunter2@h",
  ])("refuses %j and shows nothing of it that may be secret", (text) => {
    expect(() => parseStoreUrl(text, "/")).toThrow(
      expect.objectContaining({ code: "OPTION_INVALID", message: expect.stringMatching(/^dynamodb: (?!.*hunter2)/) }),
    );
  });

  it("gives and shows a dynamodb URL as it is", async () => {
    const text = "dynamodb://table?region=eu-central-1&endpoint=http%3A%2F%2F127.0.0.1%3A1&prefix=shop";
    const url = parseStoreUrl(text, "/");
    expect([storeUrlText(url), formatStoreUrl(url)]).toEqual([text, text]);
    const store = await openStore(url);
    expect(store.name).toBe("dynamodb table table (shop)");
    await store.close();
  });

  it("leaves the rest of a redis URL to the adapter, which does not show it either", async () => {
    await expect(openStore(parseStoreUrl("redis://me:hunter2@h/name", "/"))).rejects.toThrow(
      expect.objectContaining({ code: "OPTION_INVALID", message: expect.not.stringContaining("hunter2") }),
    );
    const store = await openStore(parseStoreUrl("redis://me:hunter2@127.0.0.1:1/3?prefix=shop", "/"));
    expect(store.name).toBe("redis at 127.0.0.1:1/3 (shop)");
    await expect(store.getMany(["a"])).rejects.toThrow(expect.objectContaining({ code: "STORE_UNAVAILABLE", message: expect.not.stringContaining("hunter2") }));
    await store.close();
  });

  it.each([
    ["lmdb:/data", "lmdb:/data/plain"],
    ["postgres://me:pw@h/db", "postgres://me:pw@h/db?prefix=plain"],
    ["postgres://me:pw@h/db?sslmode=require&prefix=a_", "postgres://me:pw@h/db?sslmode=require&prefix=a_plain"],
    ["rediss://h:1/3", "rediss://h:1/3?prefix=plain"],
    ["dynamodb://shop?region=eu-central-1", "dynamodb://shop?region=eu-central-1&prefix=plain"],
  ])("names another store in the place of %s", (text, named) => {
    expect(storeUrlText(namedStore(parseStoreUrl(text, "/"), "plain"))).toBe(named);
  });

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
