// Several processes on one folder, as the nodes of one machine are; and processes that are killed in the middle.

import { once } from "node:events";
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { lmdbStore } from "../src/index.js";
import { checkIntact } from "../src/intact.js";
import { freshFolder, linesOf, startChild, succeeds } from "./support/folder.js";

const PROCESSES = 4;
const folders: string[] = [];

function folder(): string {
  const path = freshFolder();
  folders.push(path);
  return path;
}

afterEach(async () => {
  for (const path of folders.splice(0)) await rm(path, { recursive: true });
});

const replicas = Array.from({ length: PROCESSES }, (_, index) => index + 1);

describe("several processes on one folder", () => {
  it("swap the registry one at a time", async () => {
    const path = folder();
    await Promise.all(replicas.map(() => succeeds(startChild("increment", path, 25))));
    const store = lmdbStore({ path });
    expect((await store.readRegistry()).registry?.epoch).toBe(PROCESSES * 25);
    await store.close();
  });

  it("find each other's files intact while these grow", async () => {
    const [path, count] = [folder(), 200];
    const made = succeeds(startChild("makeStores", path, count));
    let working = true;
    void made.finally(() => (working = false)).catch(() => undefined);
    for (let index = 0; working;) {
      // Many looks in one turn: what is looked for lasts for microseconds.
      for (let look = 0; look < 500; look++) {
        if (existsSync(join(path, String(index + 1)))) index += 1;
        checkIntact(join(path, String(index)));
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    await made;
  });

  it("leave the winner of each key and every replica's counter, seen by a store that was open all the time", async () => {
    const [path, keys, times] = [folder(), 20, 41];
    const store = lmdbStore({ path });
    expect(await store.getMany(["key 0"])).toEqual([undefined]);
    await Promise.all(replicas.map((replica) => succeeds(startChild("write", path, replica, keys, times))));
    // 41 is prime, so every replica has written every timestamp from 1 to 41; the greatest replica wins the last one.
    const { rows } = await store.scan("", undefined, 100);
    expect(rows.map(({ timestamp, replica }) => [timestamp, replica])).toEqual(Array.from({ length: keys }, () => [times, PROCESSES]));
    expect([...(await store.readRegistry()).flushed].sort(([a], [b]) => a - b)).toEqual(replicas.map((replica) => [replica, times]));
    await store.close();
  });
});

describe("a process that is killed while it writes", () => {
  it("leaves whole batches, everything that was acknowledged among them", async () => {
    const [path, keys] = [folder(), 50];
    let acknowledged = 0;
    for (let round = 0; round < 5; round++) {
      const child = startChild("batches", path, acknowledged + 1, keys);
      const lines = linesOf(child);
      for (let seen = 0; seen < 5 + round * 7; seen++) acknowledged = Number((await lines.next()).value);
      child.kill("SIGKILL");
      for await (const line of lines) acknowledged = Number(line);
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");

      const store = lmdbStore({ path });
      const { rows } = await store.scan("", undefined, 1000);
      const batch = rows[0].timestamp;
      expect(rows.map(({ timestamp, value }) => [timestamp, value![1999]])).toEqual(Array.from({ length: keys }, () => [batch, batch & 0xff]));
      expect((await store.readRegistry()).flushed).toEqual([[1, batch]]);
      expect(batch).toBeGreaterThanOrEqual(acknowledged);
      await store.close();
      acknowledged = batch;
    }
  });

  it("does not hold up the others, though it held the write lock", async () => {
    const path = folder();
    const store = lmdbStore({ path });
    const children = replicas.map((replica) => startChild("batches", path, replica * 1000, 50));
    await Promise.all(children.map(async (child) => await linesOf(child).next()));
    for (const child of children) child.kill("SIGKILL");
    await Promise.all(children.map(async (child) => child.signalCode ?? (await once(child, "exit"))));
    await store.apply([{ key: "after", value: null, timestamp: 1, replica: 1, counter: 1, expiresAt: 0 }], []);
    expect((await store.getMany(["after"]))[0]?.timestamp).toBe(1);
    await store.close();
  });
});
