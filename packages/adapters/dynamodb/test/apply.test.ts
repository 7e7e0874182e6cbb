// How an apply gets into the table: in one transaction, or written down first and then in as many requests as it takes; and what is left of one that is cut off.

import { DeleteItemCommand, GetItemCommand, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { describe, expect, it, vi } from "vitest";
import { isHeadPut, isRowPut, Place, refusal, row, rowsOf } from "./support/place.js";

interface Transaction {
  readonly ClientRequestToken: string;
  readonly TransactItems: readonly { readonly Put?: { readonly Item: { readonly sk: { readonly S: string } } } }[];
}

const keysOf = (rows: readonly { readonly key: string }[]): string[] => rows.map(({ key }) => key);

describe("an apply without transactions", () => {
  const place = Place.use();

  it("is written down, named, and sent at once; then it is struck out, with its counters", async () => {
    const store = place.open();
    await store.apply([row("first")], [[9, 1]]);
    place.way.seen.length = place.way.widest = 0;
    const rows = rowsOf(200);
    await store.apply(rows, [[1, 200]]);
    expect(place.puts().sort()).toEqual(keysOf(rows).sort());
    expect(place.way.widest).toBeGreaterThan(8);
    expect(place.way.widest).toBeLessThanOrEqual(32);
    const steps = place.way.seen.flatMap((seen) => {
      if (seen.operation === "DeleteItem") return [];
      if (isRowPut(seen)) return ["row"];
      return [isHeadPut(seen, "begins") ? "begins" : isHeadPut(seen, "ends") ? "ends" : seen.operation];
    });
    expect(steps.filter((step, index) => step !== steps[index - 1])).toEqual(["PutItem", "begins", "row", "ends"]);
    await expect.poll(() => place.journalItems()).toBe(0);
    expect(await place.underWay()).toBe(0);
  });

  it("that is of no mesh, without counters and epoch, neither asks for the head nor changes it", async () => {
    const stores = [place.open(), place.open()];
    await Promise.all(stores.map((store) => store.getMany([])));
    place.way.seen.length = 0;
    await Promise.all(stores.flatMap((store, index) => [1, 2, 3].map((timestamp) => store.apply([row("a", { timestamp }), row(`b${index}`)], []))));
    expect(place.puts().length).toBe(place.way.seen.length);
    expect((await stores[0].getMany(["a", "b0", "b1"])).map((found) => found?.timestamp)).toEqual([3, 1, 1]);
  });

  it("asks only once whether there are any", async () => {
    const store = place.open();
    for (const counter of [1, 2, 3]) await store.apply([row("a", { timestamp: counter, counter })], [[1, counter]]);
    expect(place.operations().filter((operation) => operation.startsWith("Transact"))).toEqual(["TransactGetItems"]);
  });

  it("that fails in the middle counts nothing as flushed, and goes on where it stopped when it is repeated", async () => {
    const store = place.openHasty();
    const rows = rowsOf(10);
    await store.getMany([]);
    place.way.fault = (seen) => (isRowPut(seen, "k6") ? "drop" : undefined);
    expect(await refusal(store.apply(rows, [[1, 10]]))).toMatchObject({ code: "STORE_UNAVAILABLE", retryable: true });
    expect(place.way.seen.some((seen) => isHeadPut(seen, "ends"))).toBe(false);
    await expect.poll(async () => (await store.getMany(keysOf(rows))).filter((found) => found === undefined).length).toBe(1);

    place.way.fault = () => undefined;
    place.way.seen.length = 0;
    await store.apply([...rows, row("new", { counter: 11 })], [[1, 11]]);
    expect(place.puts()).toEqual(["k6", "new"]);
    expect((await store.readRegistry()).flushed).toEqual([[1, 11]]);
    expect((await store.getMany(["k0", "k6", "new"])).map((found) => found?.counter)).toEqual([1, 7, 11]);
    expect(await place.underWay()).toBe(0);
  });

  it("that takes longer than a node waits ends when that calls again, and the next goes on there", async () => {
    const store = place.open();
    await store.apply([row("first")], []);
    place.way.seen.length = 0;
    const rows = rowsOf(100);
    let late = false;
    const { now } = performance;
    const clock = vi.spyOn(performance, "now").mockImplementation(() => now.call(performance) + (late ? 11_000 : 0));
    place.way.fault = (seen) => void (late ||= isRowPut(seen, "k40"));
    const first = refusal(store.apply(rows, [[1, 100]]));
    const second = store.apply(rows, [[1, 100]]);
    expect(await first).toMatchObject({ code: "STORE_UNAVAILABLE", message: expect.stringContaining("too slowly") as string });
    clock.mockRestore();
    expect(place.puts().length).toBeLessThan(100);
    await second;
    expect(new Set(place.puts())).toEqual(new Set(keysOf(rows)));
    // Those that were under way at the end may be sent again.
    expect(place.puts().length).toBeLessThan(100 + 33);
    expect((await store.readRegistry()).flushed).toEqual([[1, 100]]);
  });

  it("that is cut off is completed by the next store, unless it was not yet written down whole", async () => {
    const rows = rowsOf(5).map((each, index) => ({ ...each, value: Buffer.alloc(300_000, index) }));
    const first = place.openHasty();
    await first.getMany([]);
    place.way.fault = (seen) => (isRowPut(seen, "k2") ? "drop" : undefined);
    expect(await refusal(first.apply(rows, [[1, 5]]))).toMatchObject({ code: "STORE_UNAVAILABLE" });
    await first.close();
    expect(await place.underWay()).toBe(1);

    const second = place.openHasty();
    place.way.fault = (seen) => (isRowPut(seen) ? "drop" : undefined);
    expect(await refusal(second.readRegistry())).toMatchObject({ code: "STORE_UNAVAILABLE" });
    place.way.fault = () => undefined;
    await second.readRegistry();
    place.way.fault = (seen) => (isHeadPut(seen, "begins") ? "drop" : undefined);
    const others = rows.map((each) => ({ ...each, key: `other ${each.key}`, replica: 2 }));
    expect(await refusal(second.apply(others, [[2, 5]]))).toMatchObject({ code: "STORE_UNAVAILABLE" });
    await second.close();

    place.way.fault = () => undefined;
    const next = place.open();
    expect((await next.scan("", undefined, 10)).rows.map((found) => [found.key, found.value!.length, found.value![0]])).toEqual(
      rows.map(({ key }, index) => [key, 300_000, index]),
    );
    expect((await next.readRegistry()).flushed).toEqual([[1, 5]]);
    // The five parts of the one that never got its name.
    await expect.poll(() => place.journalItems()).toBe(5);
  });

  it("that is under way in one store is completed before another one tells what is flushed", async () => {
    const [first, second] = [place.open(), place.open()];
    await Promise.all([first.getMany([]), second.getMany([])]);
    const rows = rowsOf(5);
    place.way.fault = (seen) => (isRowPut(seen, "k3") && !place.way.seen.slice(0, -1).some((before) => isRowPut(before, "k3")) ? "hang" : undefined);
    const underWay = refusal(first.apply(rows, [[1, 5]]));
    await expect.poll(() => place.puts().length).toBe(5);
    expect((await second.readRegistry()).flushed).toEqual([[1, 5]]);
    expect((await second.getMany(["k3"]))[0]?.counter).toBe(4);
    await first.close();
    expect((await underWay).code).toBe("CLOSED");
  });

  it("that is cut off and was flushed by another node since does not bring back what has been deleted and dropped", async () => {
    const first = place.openHasty();
    await first.getMany([]);
    place.way.fault = (seen) => (isHeadPut(seen, "ends") ? "drop" : undefined);
    expect(await refusal(first.apply([row("a"), row("b", { counter: 2 })], [[1, 2]]))).toMatchObject({ code: "STORE_UNAVAILABLE" });
    place.way.fault = () => undefined;
    await first.close();
    // As another node's store would do that is open all the time; then both rows are gone, as after a deletion's time.
    const { Item } = await place.client.send(new GetItemCommand({ TableName: place.table, Key: place.headKey }));
    await place.client.send(new PutItemCommand({ TableName: place.table, Item: { ...Item, flushed: { M: { 1: { N: "1" } } } } }));
    for (const key of ["a", "b"]) {
      const { pk, sk } = (await place.rowItem(key))!;
      await place.client.send(new DeleteItemCommand({ TableName: place.table, Key: { pk, sk } }));
    }
    expect((await place.open().getMany(["a", "b"])).map((found) => found?.key)).toEqual([undefined, "b"]);
    expect(await place.underWay()).toBe(0);
  });

  it("of an epoch is done before that epoch ends, and begins in none that is over", async () => {
    const [first, second] = [place.openHasty(), place.open()];
    await second.swapRegistry(0, { epoch: 1, bytes: Buffer.from("first") });
    await first.getMany([]);
    place.way.fault = (seen) => (isRowPut(seen, "k1") ? "drop" : undefined);
    const rows = rowsOf(3);
    expect(await refusal(first.apply(rows, [[1, 3]], 1))).toMatchObject({ code: "STORE_UNAVAILABLE" });
    place.way.fault = () => undefined;
    expect(await second.swapRegistry(1, { epoch: 2, bytes: Buffer.from("second") })).toBe(true);
    expect((await second.getMany(keysOf(rows))).map((found) => found?.key)).toEqual(keysOf(rows));
    expect(await second.readRegistry()).toMatchObject({ registry: { epoch: 2 }, flushed: [[1, 3]] });
    place.way.seen.length = 0;
    expect(await refusal(first.apply([row("late", { counter: 4 })], [[1, 4]], 1))).toMatchObject({ code: "NODE_BEHIND" });
    expect(place.way.seen.some((seen) => isRowPut(seen, "late"))).toBe(false);
    expect(await place.underWay()).toBe(0);
  });

  it("whose name got there although the answer was lost is done under that name, and struck out", async () => {
    const store = place.openHasty();
    await store.getMany([]);
    place.way.fault = (seen) => (isHeadPut(seen, "begins") ? "lose" : undefined);
    expect(await refusal(store.apply([row("a")], [[1, 1]]))).toMatchObject({ code: "STORE_UNAVAILABLE" });
    expect(await place.underWay()).toBe(1);
    // Under another name it would be refused again.
    await store.apply([row("a")], [[1, 1]]);
    expect(await place.underWay()).toBe(0);
    expect(place.puts()).toEqual(["a"]);
    await expect.poll(() => place.journalItems()).toBe(0);
  });

  it("that was done long ago and whose name comes late changes nothing", async () => {
    const store = place.open();
    await store.apply([row("a")], [[1, 1]]);
    const { Item } = await place.client.send(new GetItemCommand({ TableName: place.table, Key: place.headKey }));
    await place.client.send(new PutItemCommand({ TableName: place.table, Item: { ...Item, applies: { SS: ["an-apply-that-was-done#3"] } } }));
    expect((await place.open().readRegistry()).flushed).toEqual([[1, 1]]);
    expect(await place.underWay()).toBe(0);
  });

  it("that comes while another runs waits for it", async () => {
    const store = place.open();
    await store.getMany([]);
    place.way.seen.length = 0;
    await Promise.all([store.apply(rowsOf(10), [[1, 10]]), store.apply(rowsOf(10, { timestamp: 2 }), [[1, 10]])]);
    const heads = place.way.seen.flatMap((seen) => (["begins", "ends"] as const).filter((how) => isHeadPut(seen, how)));
    expect(heads).toEqual(["begins", "ends", "begins", "ends"]);
    expect((await store.getMany(["k5"]))[0]?.timestamp).toBe(2);
  });

  it("that is throttled is repeated, given up when that goes on, and goes on later", async () => {
    const { credentials } = place.server;
    const store = place.open({ connection: { credentials, maxAttempts: 3 } });
    await store.getMany([]);
    let left = 2;
    place.way.fault = (seen) => (isRowPut(seen) && left-- > 0 ? { error: "ProvisionedThroughputExceededException" } : undefined);
    await store.apply([row("a")], [[1, 1]]);
    expect(left).toBeLessThan(0);
    place.way.fault = (seen) => (isRowPut(seen) ? { error: "ThrottlingException" } : undefined);
    const error = await refusal(store.apply([row("b", { counter: 2 })], [[1, 2]]));
    expect(error).toMatchObject({ code: "STORE_UNAVAILABLE", retryable: true, message: expect.stringContaining("more capacity") as string });
    place.way.fault = () => undefined;
    await store.apply([], [[1, 3]]);
    expect((await store.getMany(["b"]))[0]?.key).toBe("b");
    expect((await store.readRegistry()).flushed).toEqual([[1, 3]]);
  });
});

// dynalite has no transactions: these run against an emulation of them before it (test-servers/src/transactions.ts).
describe("an apply with transactions", () => {
  const place = Place.use({ transactions: true });
  const transactions = (): Transaction[] =>
    place.way.seen.filter(({ operation }) => operation === "TransactWriteItems").map(({ body }) => body as unknown as Transaction);

  it("that fits into one is one request, with its counters and the fence", async () => {
    const store = place.open();
    await store.swapRegistry(0, { epoch: 1, bytes: Buffer.from("first") });
    // It does not know the head yet as it wrote it.
    await store.apply([], [], 1);
    place.way.seen.length = 0;
    const flushed: [number, number][] = [
      [1, 99],
      [2, 5],
    ];
    await store.apply(rowsOf(99), flushed, 1);
    expect(place.operations()).toEqual(["TransactWriteItems"]);
    const [{ TransactItems, ClientRequestToken }] = transactions();
    expect(TransactItems).toHaveLength(100);
    expect(TransactItems[99].Put?.Item.sk.S).toBe("head");
    expect(ClientRequestToken).toMatch(/^[\w-]{36}$/);
    expect((await store.readRegistry()).flushed).toEqual(flushed);
  });

  it("drops what has lost, and writes the others", async () => {
    const [store, other] = [place.open(), place.open()];
    await other.apply([row("b", { timestamp: 9 })], [[1, 7]]);
    place.way.seen.length = 0;
    await store.apply([row("a"), row("b"), row("c")], [[1, 5]]);
    expect(transactions().map(({ TransactItems }) => TransactItems.map(({ Put }) => Put?.Item.sk.S))).toEqual([
      ["a", "b", "c", "head"],
      ["a", "c", "head"],
    ]);
    expect((await store.getMany(["a", "b", "c"])).map((found) => found?.timestamp)).toEqual([1, 9, 1]);
    expect((await store.readRegistry()).flushed).toEqual([[1, 7]]);
  });

  it.each([
    ["of many rows", rowsOf(250), 3],
    ["of large rows", rowsOf(15).map((each) => ({ ...each, value: Buffer.alloc(390 * 1024, "v") })), 2],
  ])("%s is written down, and goes in several, each within the limits", async (_, rows, count) => {
    const store = place.open();
    await store.getMany([]);
    place.way.seen.length = 0;
    await store.apply(rows, [[1, rows.length]]);
    const sent = transactions();
    expect(sent).toHaveLength(count);
    for (const transaction of sent) {
      expect(transaction.TransactItems.length).toBeLessThanOrEqual(100);
      expect(JSON.stringify(transaction).length).toBeLessThan(4 * 1024 * 1024);
    }
    expect(sent.flatMap(({ TransactItems }) => TransactItems.map(({ Put }) => Put!.Item.sk.S)).sort()).toEqual(keysOf(rows).sort());
    expect((await store.getMany(keysOf(rows))).map((found) => found?.key)).toEqual(keysOf(rows));
    expect((await store.readRegistry()).flushed).toEqual([[1, rows.length]]);
    expect(await place.underWay()).toBe(0);
  });

  it("whose answer is lost is sent again under its token, and happens once", async () => {
    const store = place.open();
    await store.getMany([]);
    let lost = 0;
    place.way.fault = ({ operation }) => (operation === "TransactWriteItems" && lost++ === 0 ? "lose" : undefined);
    await store.apply([row("a"), row("b")], [[1, 1]]);
    expect(lost).toBe(2);
    expect(new Set(transactions().map(({ ClientRequestToken }) => ClientRequestToken)).size).toBe(1);
  });

  it("of an epoch that is over writes nothing", async () => {
    const store = place.open();
    await store.swapRegistry(0, { epoch: 1, bytes: Buffer.from("first") });
    await store.swapRegistry(1, { epoch: 2, bytes: Buffer.from("second") });
    expect(await refusal(store.apply([row("a")], [[1, 1]], 1))).toMatchObject({ code: "NODE_BEHIND", message: expect.stringContaining("epoch 2") as string });
    expect(await store.getMany(["a"])).toEqual([undefined]);
    expect((await store.readRegistry()).flushed).toEqual([]);
  });

  it("that meets another one is repeated, and so is one that is throttled, and what meets one of them", async () => {
    const store = place.open();
    await store.getMany([]);
    for (const Code of ["TransactionConflict", "ThrottlingError"]) {
      let left = 3;
      const fields = { message: `Transaction cancelled, please refer cancellation reasons for specific reasons [${Code}]`, CancellationReasons: [{ Code }] };
      place.way.fault = ({ operation }) => (operation === "TransactWriteItems" && left-- > 0 ? { error: "TransactionCanceledException", fields } : undefined);
      await store.apply([row(Code)], [[1, 1]]);
      expect(left).toBeLessThan(0);
      expect((await store.getMany([Code]))[0]?.key).toBe(Code);
    }
    let left = 3;
    place.way.fault = ({ operation }) => (operation === "PutItem" && left-- > 0 ? { error: "TransactionConflictException" } : undefined);
    expect(await store.swapRegistry(0, { epoch: 1, bytes: Buffer.from("first") })).toBe(true);
  });
});
