// A process of its own that works on a store: `node child.mjs TASK FOLDER ARGUMENTS…`. It says on its output what it has done.

import { lmdbStore } from "../../dist/index.js";

const [task, path, ...rest] = process.argv.slice(2);
const encode = (text) => new TextEncoder().encode(text);

/** Swaps the registry `times` times, each time on top of what it has just read. */
async function increment(times) {
  const store = lmdbStore({ path });
  for (let done = 0; done < times;) {
    const epoch = (await store.readRegistry()).registry?.epoch ?? 0;
    if (await store.swapRegistry(epoch, { epoch: epoch + 1, bytes: encode(`process ${process.pid}`) })) done++;
  }
  await store.close();
}

/** Writes every key `times` times with the timestamps of this replica, in an order of its own. */
async function write(replica, keys, times) {
  const store = lmdbStore({ path });
  for (let counter = 1; counter <= times; counter++) {
    const timestamp = 1 + ((counter * 7 * replica) % times);
    const rows = Array.from({ length: keys }, (_, index) => ({
      key: `key ${index}`,
      value: encode(`${timestamp} of ${replica}`),
      timestamp,
      replica,
      counter,
      expiresAt: 0,
    }));
    await store.apply(rows, [[replica, counter]]);
  }
  await store.close();
}

/** Writes batches of rows without an end, and says each one's number when it is durable. */
async function batches(first, keys) {
  const store = lmdbStore({ path });
  for (let batch = first; ; batch++) {
    const value = new Uint8Array(2000).fill(batch & 0xff);
    await store.apply(
      Array.from({ length: keys }, (_, index) => ({ key: `key ${index}`, value, timestamp: batch, replica: 1, counter: batch, expiresAt: 0 })),
      [[1, batch]],
    );
    process.stdout.write(`${batch}\n`);
  }
}

/** Makes stores in folders 0, 1, 2 …, and a few rows in each. */
async function makeStores(count) {
  for (let index = 0; index < count; index++) {
    const store = lmdbStore({ path: `${path}/${index}` });
    for (let counter = 1; counter <= 7; counter++) {
      await store.apply([{ key: `key ${counter}`, value: new Uint8Array(20_000), timestamp: counter, replica: 1, counter, expiresAt: 0 }], [[1, counter]]);
    }
    await store.close();
  }
}

/** Writes until the store refuses, then goes on when a line comes in, and says all that happened. */
async function fill(bytes) {
  const say = (event) => process.stdout.write(`${JSON.stringify(event)}\n`);
  let store;
  try {
    store = lmdbStore({ path });
  } catch ({ code, message }) {
    return say({ refused: "open", code, message });
  }
  const apply = async (counter) =>
    await store.apply([{ key: `key ${counter}`, value: new Uint8Array(bytes), timestamp: counter, replica: 1, counter, expiresAt: 0 }], [[1, counter]]);
  let counter = 1;
  try {
    for (; ; counter++) await apply(counter);
  } catch ({ code, message }) {
    const { flushed } = await store.readRegistry();
    const rows = await store.getMany([`key ${counter - 1}`, `key ${counter}`]);
    say({ refused: "apply", code, message, counter, flushed, present: rows.map((row) => row !== undefined) });
  }
  await new Promise((resolve) => process.stdin.once("data", resolve));
  await apply(counter).then(
    () => say({ went: "on" }),
    ({ code, message }) => say({ refused: "again", code, message }),
  );
  await store.close();
  process.stdin.destroy();
}

const tasks = { increment, write, batches, makeStores, fill };
await tasks[task](...rest.map(Number));
