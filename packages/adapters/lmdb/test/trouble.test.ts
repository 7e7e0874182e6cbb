// What can be wrong with a folder, a disk or a file: each has its code and a message that says what to do.

import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { open, type RootDatabase } from "lmdb";
import { MeshError, type Row } from "@causalmesh/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { lmdbStore } from "../src/index.js";
import { CHILD, freshFolder, linesOf, startChild, succeeds } from "./support/folder.js";

let folder: string;
beforeEach(() => void (folder = freshFolder()));
afterEach(() => rmSync(folder, { recursive: true }));

const row = (key: string): Row => ({ key, value: Buffer.from("value"), timestamp: 1, replica: 1, counter: 1, expiresAt: 0 });

function refusal(attempt: () => unknown): { code: string; message: string } {
  try {
    attempt();
  } catch (error) {
    if (error instanceof MeshError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

/** Runs something as a user who may not write everywhere. */
function withoutPrivileges<Result>(body: () => Result): Result {
  if (process.geteuid!() !== 0) return body();
  process.seteuid!(65_534);
  try {
    return body();
  } finally {
    process.seteuid!(0);
  }
}

describe("a path", () => {
  it.each([undefined, null, {}, { path: "" }, { path: 7 }])("must be there: %j", (options) => {
    expect(refusal(() => lmdbStore(options as never))).toMatchObject({ code: "OPTION_INVALID", message: expect.stringContaining("path") });
  });

  it("of folders that are missing is made", async () => {
    const path = join(folder, "one", "two.d");
    await lmdbStore({ path }).close();
    expect(readdirSync(path)).toEqual(["data.mdb", "lock.mdb"]);
  });

  it("of a file, or below one, is refused", () => {
    writeFileSync(join(folder, "file"), "text");
    for (const path of [join(folder, "file"), join(folder, "file", "below")]) {
      expect(refusal(() => lmdbStore({ path }))).toMatchObject({ code: "STORE_INVALID", message: expect.stringContaining("path of a folder") });
    }
  });

  it("of a folder that this user may not write is refused, with a store in it or not", async () => {
    chmodSync(folder, 0o755);
    const path = join(folder, "store");
    await lmdbStore({ path }).close();
    for (const each of [path, folder]) chmodSync(each, 0o555);
    try {
      for (const each of [path, join(folder, "other")]) {
        const { code, message } = refusal(() => withoutPrivileges(() => lmdbStore({ path: each })));
        expect([code, message]).toEqual(["STORE_LOCKED", expect.stringContaining("may not write there")]);
      }
    } finally {
      for (const each of [path, folder]) chmodSync(each, 0o755);
    }
  });
});

describe("contents", () => {
  it("that are no database are refused and left alone", () => {
    writeFileSync(join(folder, "data.mdb"), "no database ".repeat(2000));
    expect(refusal(() => lmdbStore({ path: folder }))).toMatchObject({
      code: "STORE_INVALID",
      message: expect.stringContaining("choose another, or restore it"),
    });
  });

  it.each([10, 4096, 8192, 12_288])("that were cut off after %i bytes are refused, and do not end the process", async (bytes) => {
    const store = lmdbStore({ path: folder });
    for (let counter = 1; counter <= 20; counter++) {
      await store.apply([{ key: `key ${counter}`, value: new Uint8Array(9000), timestamp: counter, replica: 1, counter, expiresAt: 0 }], [[1, counter]]);
    }
    await store.close();
    truncateSync(join(folder, "data.mdb"), bytes);
    expect(refusal(() => lmdbStore({ path: folder }))).toMatchObject({ code: "STORE_INVALID", message: expect.stringContaining("restore it") });
  });

  it("of another version are refused, and say which", async () => {
    await lmdbStore({ path: folder }).close();
    await tamper("meta", "schema", "7");
    expect(refusal(() => lmdbStore({ path: folder }))).toMatchObject({ code: "STORE_INVALID", message: expect.stringContaining("format 7") });
  });

  it.each<[string, (root: RootDatabase) => Promise<unknown>]>([
    ["entries", (root) => root.put("user:1", { name: "Ann" })],
    ["entries with other keys than text", (root) => root.put([1, true], 7)],
    ["a database of its own", (root) => root.openDB({ name: "users" }).put("1", "Ann")],
    ["a database named as one of ours, and another one", (root) => Promise.all(["meta", "users"].map((name) => root.openDB({ name }).put("1", "Ann")))],
  ])("that are another program's are refused and left alone: %s", async (_what, fill) => {
    const before = await foreign(fill);
    expect(refusal(() => lmdbStore({ path: folder }))).toMatchObject({ code: "STORE_INVALID", message: expect.stringContaining("another program") });
    expect(await foreign(() => Promise.resolve())).toEqual(before);
  });

  it("that are none, in an environment that another program made, are taken", async () => {
    await foreign(() => Promise.resolve());
    const store = lmdbStore({ path: folder });
    await store.apply([row("a")], [[1, 1]]);
    await store.close();
    // Whoever adds something to a store leaves it a store.
    await foreign((root) => Promise.all(["a", "b", "c", "note"].map((name) => root.put(name, "by hand"))));
    const again = lmdbStore({ path: folder });
    expect((await again.getMany(["a"]))[0]?.counter).toBe(1);
    await again.close();
  });

  /** What stands in the environment after another program did something in it. */
  async function foreign(fill: (root: RootDatabase) => Promise<unknown>): Promise<unknown[]> {
    const root = open({ path: folder, noSubdir: false, overlappingSync: false });
    await fill(root);
    const keys = [...root.getKeys()];
    await root.close();
    return keys;
  }

  it("that are a damaged row fail that read and that apply, whole", async () => {
    await lmdbStore({ path: folder }).close();
    await tamper("rows", Buffer.from("damaged"), "short");
    const store = lmdbStore({ path: folder });
    await expect(store.getMany(["damaged"])).rejects.toMatchObject({ code: "STORE_INVALID", message: expect.stringContaining("damaged") });
    await expect(store.apply([row("a"), row("damaged"), row("z")], [[1, 1]])).rejects.toMatchObject({ code: "STORE_INVALID" });
    expect(await store.getMany(["a", "z"])).toEqual([undefined, undefined]);
    expect((await store.readRegistry()).flushed).toEqual([]);
    await store.apply([row("a")], []);
    await store.close();
  });

  it("that are damaged counters fail what needs them", async () => {
    await lmdbStore({ path: folder }).close();
    await tamper("meta", "flushed", "{");
    const store = lmdbStore({ path: folder });
    await expect(store.readRegistry()).rejects.toMatchObject({ code: "STORE_INVALID" });
    await expect(store.apply([row("a")], [[1, 1]])).rejects.toMatchObject({ code: "STORE_INVALID" });
    expect(await store.getMany(["a"])).toEqual([undefined]);
    await store.close();
  });

  async function tamper(name: string, key: Buffer | string, value: string): Promise<void> {
    const root = open({ path: folder, noSubdir: false, overlappingSync: false });
    const database = root.openDB<Buffer, Buffer | string>({ name, encoding: "binary", keyEncoding: typeof key === "string" ? undefined : "binary" });
    await database.put(key, Buffer.from(value));
    await root.close();
  }
});

describe("a full disk", () => {
  it("refuses an apply whole, and the store goes on when there is room", async () => {
    // A bound on the length of files stops writes as a full disk does, and needs no privileges.
    const child = spawn("sh", ["-c", 'ulimit -f 2048; exec "$0" "$@"', process.execPath, CHILD, "fill", folder, "300000"], {
      stdio: ["pipe", "pipe", "ignore"],
    });
    const lines = linesOf(child);
    expectRefusedWhole(await nextEvent(lines));
    // What an interrupted write leaves behind is used again, so a store that is not larger than its bound can go on.
    child.stdin!.end("go on\n");
    await lines.next();
    await succeeds(child);
    expect(readdirSync(folder)).toEqual(["data.mdb", "lock.mdb"]);
  });

  it.runIf(canMount())("of its own: apply is refused, room is made, apply goes on; opening it full is refused", async () => {
    const disk = join(folder, "disk");
    mkdirSync(disk);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", disk]);
    let child: ChildProcess | undefined;
    try {
      writeFileSync(join(disk, "filler"), Buffer.alloc(1_000_000));
      child = startChild("fill", join(disk, "store"), 100_000);
      const lines = linesOf(child);
      expectRefusedWhole(await nextEvent(lines));
      rmSync(join(disk, "filler"));
      child.stdin!.write("go on\n");
      expect(await nextEvent(lines)).toEqual({ went: "on" });
      await succeeds(child);

      rmSync(join(disk, "store"), { recursive: true });
      for (const kibibytesFree of [0, 4, 8, 16, 32, 64, 200]) {
        writeFileSync(join(disk, "filler"), Buffer.alloc((2048 - kibibytesFree) * 1024 - 4096));
        child = startChild("fill", join(disk, "store"), 10);
        expect(await nextEvent(linesOf(child))).toMatchObject({ refused: "open", code: "STORE_FULL" });
        await succeeds(child);
      }
    } finally {
      child?.kill("SIGKILL");
      execFileSync("umount", ["-l", disk]);
    }
  });

  function expectRefusedWhole(event: Record<string, unknown>): void {
    const counter = event.counter as number;
    expect(event).toMatchObject({ refused: "apply", code: "STORE_FULL", message: expect.stringContaining("make room") });
    expect(event).toMatchObject({ flushed: [[1, counter - 1]], present: [true, false] });
  }

  async function nextEvent(lines: AsyncIterator<string>): Promise<Record<string, unknown>> {
    return JSON.parse((await lines.next()).value as string) as Record<string, unknown>;
  }
});

/** Whether this process may mount a file system of its own; says so where it may not. */
function canMount(): boolean {
  if (process.platform !== "linux" || process.geteuid!() !== 0 || !existsSync("/proc/self/status")) return unable("not root on Linux");
  const probe = freshFolder();
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", probe], { stdio: "ignore" });
    execFileSync("umount", [probe]);
    return true;
  } catch {
    return unable("mount is not allowed");
  } finally {
    rmSync(probe, { recursive: true, force: true });
  }
}

function unable(why: string): boolean {
  console.log(`skipped: a full disk of its own: ${why}; the bound on the length of files stands in for it`);
  return false;
}
