// Deletions and expired rows: kept for a day, gone afterwards, and never a row with them that was written again.

import { rm } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { limits, type Row } from "@causalmesh/core";
import { lmdbStore } from "../src/index.js";
import { freshFolder } from "./support/folder.js";

const DAY_MS = limits.TOMBSTONE_TTL_MS;
const START = Date.parse("2026-03-01T00:00:00Z");

let folder: string;
beforeEach(() => {
  folder = freshFolder();
  vi.useFakeTimers({ now: START, toFake: ["Date"] });
});
afterEach(async () => {
  vi.useRealTimers();
  await rm(folder, { recursive: true });
});

const row = (key: string, fields: Partial<Row>): Row => ({ key, value: Buffer.from("value"), timestamp: 1, replica: 1, counter: 1, expiresAt: 0, ...fields });

describe("rows that show nothing", () => {
  it("are removed when their time is over", async () => {
    const store = lmdbStore({ path: folder });
    await store.apply([row("deleted", { value: null }), row("expires", { expiresAt: START + 1000 }), row("again", { value: null }), row("stays", {})], []);
    await store.apply([row("again", { timestamp: 2 }), row("twice", { value: null })], []);
    vi.setSystemTime(START + 2000);
    await store.apply([row("twice", { value: null, timestamp: 2 })], []);
    const keys = async (): Promise<string[]> => {
      // The next batch, whatever it is, removes.
      await store.apply([], [[1, 1]]);
      return (await store.scan("", undefined, 100)).rows.map(({ key }) => key);
    };
    vi.setSystemTime(START + DAY_MS - 1);
    expect(await keys()).toEqual(["again", "deleted", "expires", "stays", "twice"]);
    vi.setSystemTime(START + DAY_MS + 500);
    expect(await keys()).toEqual(["again", "expires", "stays", "twice"]);
    vi.setSystemTime(START + DAY_MS + 1001);
    expect(await keys()).toEqual(["again", "stays", "twice"]);
    vi.setSystemTime(START + DAY_MS + 2001);
    expect(await keys()).toEqual(["again", "stays"]);
    await store.close();
  });
});
