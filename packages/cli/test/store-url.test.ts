import { describe, expect, it } from "vitest";
import { formatStoreUrl, openStore, parseStoreUrl } from "../src/store-url.js";

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
    "postgres://u:p@h/db",
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

  it.each(["postgres://me:hunter2@db/prod", "me:hunter2@db", "hunter2@db"])("never repeats the password of %s", (text) => {
    expect(() => parseStoreUrl(text, "/")).toThrow(expect.objectContaining({ message: expect.not.stringContaining("hunter2") }));
  });

  it("formats what it parses", () => {
    for (const text of ["memory:", "lmdb:/a b/c"]) expect(formatStoreUrl(parseStoreUrl(text, "/"))).toBe(text);
  });

  it("opens a store in memory", async () => {
    const store = await openStore({ kind: "memory" });
    expect(store.abilities).toMatchObject({ durable: false, shared: false });
    await store.close();
  });
});
