// The rest of the kit: errors, options, rows, what is made once.

import { limits, MeshError, type Row } from "@causalmesh/core";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  checkPrefix,
  checkTimeoutMs,
  checkWhole,
  compareKeys,
  copyRow,
  joined,
  lazily,
  partsOf,
  storeError,
  versionOrProblem,
  wins,
  withPauses,
  withRetries,
  type ErrorRule,
} from "../src/index.js";

const row = (key: string, bytes = 0, stamp: Partial<Row> = {}): Row => ({
  key,
  value: Buffer.alloc(bytes, 1),
  timestamp: 1,
  replica: 1,
  counter: 1,
  expiresAt: 0,
  ...stamp,
});

describe("storeError", () => {
  const rules: ErrorRule[] = [
    [/^53100$/, "STORE_FULL", "the disk is full"],
    [/no space/, "STORE_FULL", "make room"],
    [/space/, "STORE_LOCKED", "never said, for the first rule that fits is taken"],
  ];

  it("takes the first rule whose pattern stands in the message", () => {
    const cause = new Error("there is no space left");
    expect(storeError("db", cause, rules, "look")).toMatchObject({ code: "STORE_FULL", message: "db: make room (there is no space left)", cause });
  });

  it("looks for the pattern in what the adapter says, and shows what it says", () => {
    expect(storeError("db", new Error("x"), rules, "look", { subject: "53100" }).message).toBe("db: the disk is full (x)");
    expect(storeError("db", new Error("x"), rules, "look", { text: "no space: x" }).message).toBe("db: make room (no space: x)");
  });

  it("is STORE_UNAVAILABLE with the advice given where no rule fits", () => {
    expect(storeError("db", "gone", rules, "look there")).toMatchObject({ code: "STORE_UNAVAILABLE", retryable: true, message: "db failed: gone; look there" });
  });

  it("leaves the mesh's own errors as they are", () => {
    const error = new MeshError("CLOSED", "no space");
    expect(storeError("db", error, rules, "look")).toBe(error);
  });

  it("names every reason where a host has several addresses", () => {
    const cause = new AggregateError([new Error("refused ::1"), new AggregateError([new Error("refused 127.0.0.1"), "and more"])]);
    expect(storeError("db", cause, rules, "look").message).toBe("db failed: refused ::1, refused 127.0.0.1, and more; look");
  });
});

describe("options", () => {
  it.each([0, -1, 1.5, 2 ** 31, NaN, Infinity, "5", null, undefined, 5n])("refuse %s as a time", (timeoutMs) => {
    expect(() => checkTimeoutMs(timeoutMs)).toThrow(
      expect.objectContaining({ code: "OPTION_INVALID", message: expect.stringMatching(/^timeoutMs .*of milliseconds/) }),
    );
  });

  it.each([1, 5_000, 2 ** 31 - 1])("take %s as a time", (timeoutMs) => {
    expect(checkTimeoutMs(timeoutMs)).toBe(timeoutMs);
  });

  it("bound a number, and name it", () => {
    expect(checkWhole("shards", 256, 256)).toBe(256);
    expect(() => checkWhole("shards", 257, 256)).toThrow("shards must be a whole number from 1 to 256");
  });

  it.each(["", "a:b", "a#b", "a/b", "ä", "a b", "a".repeat(101), "a\n", 7, undefined])("refuse %j as a prefix", (prefix) => {
    expect(() => checkPrefix(prefix)).toThrow(expect.objectContaining({ code: "OPTION_INVALID" }));
  });

  it.each(["shop", "Shop_1.eu-west", "a".repeat(100)])("take %j as a prefix", (prefix) => {
    expect(checkPrefix(prefix)).toBe(prefix);
  });
});

describe("rows", () => {
  it("win by timestamp, then by replica, and never over themselves", () => {
    const present = row("k", 0, { timestamp: 5, replica: 5 });
    const winning = (timestamp: number, replica: number): boolean => wins({ timestamp, replica }, present);
    expect([winning(6, 1), winning(5, 6), winning(5, 5), winning(5, 4), winning(4, 9)]).toEqual([true, true, false, false, false]);
  });

  it("are copied with bytes of their own and without what they do not need", () => {
    const shared = Buffer.from("abc");
    const copy = copyRow({ ...row("k"), value: shared, more: 1 } as Row);
    shared[0] = 0;
    expect(copy).toEqual({ ...row("k"), value: new Uint8Array(Buffer.from("abc")) });
    expect(copyRow(row("k", 0, { value: null })).value).toBeNull();
  });

  it("are cut into parts by number and by bytes, in their order", () => {
    const keys = (parts: Row[][]): string[] => parts.map((part) => part.map(({ key }) => key).join(""));
    const five = [row("a", 4), row("b", 4), row("c", 9), row("d", 1), row("e", 0, { value: null })];
    expect(keys(partsOf(five, { rowsMax: 2, bytesMax: limits.FLUSH_BYTES_MAX }))).toEqual(["ab", "cd", "e"]);
    expect(keys(partsOf(five, { rowsMax: 10, bytesMax: 8 }))).toEqual(["ab", "c", "de"]);
    expect(keys(partsOf(five, { rowsMax: 10, bytesMax: 3, bytesOf: () => 1 }))).toEqual(["abc", "de"]);
    expect(partsOf([], { rowsMax: 1, bytesMax: 1 })).toEqual([[]]);
  });
});

describe("keys", () => {
  it("are in the order of their UTF-8 bytes", () => {
    const keys = ["", "a", "a\u0000", "a.b", "ab", "\u00e9", "\ud7ff", "\ue000", "\uffff", "\u{10000}", "\u{10ffff}", "a\u{1f600}", "a\uffee"];
    const asBytes = keys.map((key) => Buffer.from(key)).sort(Buffer.compare);
    expect([...keys].reverse().sort(compareKeys)).toEqual(asBytes.map(String));
    expect(compareKeys("same", "same")).toBe(0);
  });
});

describe("lazily", () => {
  it("makes once for all who ask, and again when it is told that what it made is gone", async () => {
    let made = 0;
    const get = lazily(async () => ++made);
    expect(await Promise.all([get(), get()])).toEqual([1, 1]);
    expect(await get()).toBe(1);
    get.forget();
    expect(await Promise.all([get(), get()])).toEqual([2, 2]);
  });

  it("makes again after a failure, when it is asked", async () => {
    let attempts = 0;
    const get = lazily(async () => (++attempts === 1 ? await Promise.reject(new Error("not yet")) : attempts));
    expect((await Promise.allSettled([get(), get()])).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    expect(await Promise.all([get(), get()])).toEqual([2, 2]);
  });

  it("keeps what is made anew while an attempt from before fails", async () => {
    const attempts: ((failed: boolean) => void)[] = [];
    const get = lazily(
      async () => await new Promise<number>((resolve, reject) => attempts.push((failed) => (failed ? reject(new Error("lost")) : resolve(2)))),
    );
    const first = get();
    get.forget();
    const second = get();
    attempts[0](true);
    await expect(first).rejects.toThrow("lost");
    attempts[1](false);
    expect([await second, await get(), attempts.length]).toEqual([2, 2, 2]);
  });
});

describe("withPauses", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["performance"] }));
  afterEach(() => void vi.useRealTimers());

  it("tries again after pauses that grow to a bound, and tells the failure at once until then", async () => {
    let attempts = 0;
    let isAway = true;
    const get = withPauses(async () => {
      attempts++;
      if (isAway) throw new Error(`attempt ${attempts}`);
      return "made";
    });
    const pauses: number[] = [];
    for (let failures = 1; failures <= 12; failures++) {
      const begin = performance.now();
      while (attempts < failures) {
        await expect(get()).rejects.toThrow(`attempt ${Math.max(attempts, 1)}`);
        vi.advanceTimersByTime(5);
      }
      pauses.push(performance.now() - begin);
    }
    expect(pauses[1]).toBeLessThanOrEqual(limits.RETRY_DELAY_MS_MIN + 5);
    expect(pauses[5]).toBeGreaterThan(limits.RETRY_DELAY_MS_MIN * 7);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(limits.RETRY_DELAY_MS_MAX + 5);
    isAway = false;
    vi.advanceTimersByTime(limits.RETRY_DELAY_MS_MAX);
    expect(await get()).toBe("made");
    // And the pauses begin anew.
    isAway = true;
    await expect(get()).rejects.toThrow("attempt 14");
    isAway = false;
    vi.advanceTimersByTime(limits.RETRY_DELAY_MS_MIN);
    expect(await get()).toBe("made");
  });
});

describe("joined", () => {
  it("has per replica the greater counter, and leaves what it is given as it is", () => {
    const [counters, others] = [
      [
        [1, 5],
        [2, 9],
      ],
      [
        [2, 3],
        [1, 6],
        [3, 1],
      ],
    ] as [number, number][][];
    expect(joined(counters, others)).toEqual([
      [1, 6],
      [2, 9],
      [3, 1],
    ]);
    expect(counters).toEqual([
      [1, 5],
      [2, 9],
    ]);
    expect(joined([], [])).toEqual([]);
  });
});

describe("versionOrProblem", () => {
  it("tells the version, or why it cannot be told; what is no STORE_INVALID is thrown", async () => {
    expect(await versionOrProblem(async () => 3)).toEqual({ version: 3, problem: undefined });
    const problem = new MeshError("STORE_INVALID", "of another version");
    expect(await versionOrProblem(async () => await Promise.reject(problem))).toEqual({ version: undefined, problem });
    for (const other of [new MeshError("STORE_UNAVAILABLE", "away"), new Error("STORE_INVALID")])
      await expect(versionOrProblem(async () => await Promise.reject(other))).rejects.toBe(other);
  });
});

describe("withRetries", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());
  const passing = new Error("busy");
  const failing = (times: number, error: unknown = passing) => vi.fn(async () => (times-- > 0 ? await Promise.reject(error as Error) : "done"));

  it("tries again what may pass, each time after a longer pause, which is jittered", async () => {
    const work = failing(2);
    const done = withRetries(work, (error) => error === passing);
    await vi.advanceTimersByTimeAsync(limits.RETRY_DELAY_MS_MIN / 2 - 1);
    expect(work).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(limits.RETRY_DELAY_MS_MIN / 2 + 1);
    expect(work).toHaveBeenCalledTimes(2);
    await vi.advanceTimersByTimeAsync(limits.RETRY_DELAY_MS_MIN - 1);
    await vi.advanceTimersByTimeAsync(limits.RETRY_DELAY_MS_MIN + 1);
    expect(await done).toBe("done");
  });

  it("gives up what never passes, with what it failed with last", async () => {
    const work = failing(100);
    const refused = expect(withRetries(work, () => true)).rejects.toBe(passing);
    await vi.advanceTimersByTimeAsync(60_000);
    await refused;
    expect(work).toHaveBeenCalledTimes(8);
  });

  it("does not try again what will not pass", async () => {
    const work = failing(1, new Error("broken"));
    await expect(withRetries(work, (error) => error === passing)).rejects.toThrow("broken");
    expect(work).toHaveBeenCalledTimes(1);
  });
});
