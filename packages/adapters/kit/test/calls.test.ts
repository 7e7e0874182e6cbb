// Calls: their deadline, their end, and what they leave behind.

import { getEventListeners } from "node:events";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Calls } from "../src/index.js";

const NEVER = new Promise<never>(() => undefined);

describe("a call", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());
  const calls = (): Calls => new Calls({ name: "mydb at x", timeoutMs: 100, advice: "check x" });

  it("answers what its work answers, and leaves no timer", async () => {
    expect(await calls().run(async () => 7)).toBe(7);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("rejects with what its work rejects with, also at once", async () => {
    const failure = new Error("no");
    await expect(calls().run(async () => await Promise.reject(failure))).rejects.toBe(failure);
    const thrower = (): Promise<never> => {
      throw failure;
    };
    await expect(calls().run(thrower)).rejects.toBe(failure);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("ends at its deadline, whatever its work does, which is told", async () => {
    let signal!: AbortSignal;
    const call = calls().run(async (given) => {
      signal = given;
      return await NEVER;
    });
    const ended = expect(call).rejects.toMatchObject({ code: "STORE_UNAVAILABLE", message: "mydb at x did not answer within 100 ms; check x" });
    await vi.advanceTimersByTimeAsync(99);
    expect(signal.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    await ended;
    expect(signal.reason).toMatchObject({ code: "STORE_UNAVAILABLE" });
  });

  it("ends with the deadline's error also where its work fails because of it", async () => {
    const call = calls().run(
      async (signal) => await new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(new Error("aborted by the client")))),
    );
    const ended = expect(call).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    await vi.advanceTimersByTimeAsync(100);
    await ended;
  });

  it("may have another deadline, or none", async () => {
    const store = calls();
    const short = expect(store.run(async () => await NEVER, 10)).rejects.toMatchObject({ message: /within 10 ms/ });
    const long = store.run(async () => await new Promise((resolve) => setTimeout(resolve, 1000, "late")), Infinity);
    await vi.advanceTimersByTimeAsync(10);
    await short;
    await vi.advanceTimersByTimeAsync(990);
    expect(await long).toBe("late");
  });

  it("ends with CLOSED when the store is closed, and none begins after that", async () => {
    const store = calls();
    const begun = [store.run(async () => await NEVER), store.run(async () => await NEVER, Infinity)];
    const ended = Promise.all(begun.map((call) => expect(call).rejects.toMatchObject({ code: "CLOSED", message: "mydb at x was closed; make a new store" })));
    store.close();
    store.close();
    await ended;
    expect(vi.getTimerCount()).toBe(0);
    const work = vi.fn<() => Promise<void>>();
    await expect(store.run(work)).rejects.toMatchObject({ code: "CLOSED" });
    expect(work).not.toHaveBeenCalled();
  });

  it("is not ended by a close or a deadline that comes when it is over", async () => {
    const store = calls();
    let signal!: AbortSignal;
    await store.run(async (given) => void (signal = given));
    await vi.advanceTimersByTimeAsync(1000);
    store.close();
    expect(signal.aborted).toBe(false);
    expect(getEventListeners(signal, "abort")).toHaveLength(1);
  });
});
