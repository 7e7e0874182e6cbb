// What `inspectLmdb` says of a folder, and that it leaves it as it was.

import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { open } from "lmdb";
import { expect, it } from "vitest";
import { inspectLmdb, lmdbStore } from "../src/index.js";
import { freshFolder } from "./support/folder.js";

it("a folder that is not there is not made", async () => {
  const path = join(freshFolder(), "not", "there");
  expect(await inspectLmdb({ path })).toEqual({ name: `lmdb at ${path}`, version: undefined, versionExpected: 1, opened: false, unwritable: undefined });
  expect(existsSync(path)).toBe(false);
});

it("an empty folder stays empty", async () => {
  const path = freshFolder();
  expect(await inspectLmdb({ path })).toMatchObject({ version: undefined });
  expect(readdirSync(path)).toEqual([]);
});

it("a store keeps its bytes, also while it is open", async () => {
  const path = freshFolder();
  const store = lmdbStore({ path });
  await store.apply([{ key: "k", value: Buffer.from("v"), timestamp: 1, replica: 1, counter: 1, expiresAt: 0 }], [[1, 1]]);
  const before = readFileSync(join(path, "data.mdb"));
  expect(await inspectLmdb({ path })).toMatchObject({ version: 1, opened: true, unwritable: undefined });
  expect(readFileSync(join(path, "data.mdb")).equals(before)).toBe(true);
  await store.apply([{ key: "k", value: Buffer.from("w"), timestamp: 2, replica: 1, counter: 2, expiresAt: 0 }], [[1, 2]]);
  expect((await store.getMany(["k"]))[0]).toMatchObject({ counter: 2 });
  await store.close();
  expect(await inspectLmdb({ path })).toMatchObject({ version: 1 });
});

it("a copy that nobody has opened gets no lock file", async () => {
  const path = freshFolder();
  await lmdbStore({ path }).close();
  const copy = freshFolder();
  copyFileSync(join(path, "data.mdb"), join(copy, "data.mdb"));
  expect(await inspectLmdb({ path: copy })).toMatchObject({ version: 1, opened: false });
  expect(readdirSync(copy)).toEqual(["data.mdb"]);
});

it("a database of somebody else is no store, and stays theirs", async () => {
  const path = freshFolder();
  const theirs = open({ path, noSubdir: false });
  await theirs.put("theirs", 1);
  await theirs.close();
  const before = readFileSync(join(path, "data.mdb"));
  expect(await inspectLmdb({ path })).toMatchObject({ version: undefined });
  expect(readFileSync(join(path, "data.mdb")).equals(before)).toBe(true);
});

it("another version is named", async () => {
  const path = freshFolder();
  await lmdbStore({ path }).close();
  const root = open({ path, noSubdir: false, maxDbs: 4 });
  await root.openDB<Buffer, string>({ name: "meta", encoding: "binary" }).put("schema", Buffer.from("99"));
  await root.close();
  expect(await inspectLmdb({ path })).toMatchObject({ version: 99, versionExpected: 1 });
});

it("what is no database, and a file where the folder should be, are refused", async () => {
  const path = freshFolder();
  writeFileSync(join(path, "data.mdb"), "x".repeat(10_000));
  await expect(inspectLmdb({ path })).rejects.toMatchObject({ code: "STORE_INVALID" });
  const file = join(freshFolder(), "file");
  writeFileSync(file, "");
  await expect(inspectLmdb({ path: file })).rejects.toMatchObject({ code: "STORE_INVALID" });
  const blocked = join(freshFolder(), "data.mdb");
  mkdirSync(blocked);
  await expect(inspectLmdb({ path: join(blocked, "..") })).rejects.toMatchObject({ name: "MeshError" });
});
