// The platform's own clock and randomness: the only file of the core that touches globals of the runtime. Whoever wants
// others, such as a simulator, hands them in.

import { encodeBase64url } from "../bytes/base64url.js";
import type { AsyncStorage, Platform, Timer } from "../clock.js";

interface AsyncHooks {
  readonly AsyncLocalStorage: new <Value>() => AsyncStorage<Value>;
}

interface TimeoutHandle {
  unref?(): void;
}

declare const setTimeout: (task: () => void, ms: number) => TimeoutHandle;
declare const clearTimeout: (handle: TimeoutHandle) => void;
declare const setImmediate: ((task: () => void) => unknown) | undefined;
declare const process: { nextTick?(task: () => void): void; getBuiltinModule?(name: string): AsyncHooks | undefined } | undefined;
declare const AsyncLocalStorage: AsyncHooks["AsyncLocalStorage"] | undefined;
declare const performance: { now(): number };
declare const crypto: { getRandomValues(bytes: Uint8Array): Uint8Array };

// The runtime's own queue for that runs after all promises; elsewhere a few turns of promises are as good as it gets.
const nextTick =
  typeof process === "object" && typeof process.nextTick === "function"
    ? process.nextTick
    : (task: () => void): void => void Promise.resolve().then(() => Promise.resolve().then(task));

/**
 * A storage that follows asynchronous calls; undefined where the runtime has none. Node.js, Deno, Bun and most edge runtimes have it as a module,
 * which no import may name here, and a few as a global.
 */
export function asyncStorage<Value>(): AsyncStorage<Value> | undefined {
  const builtin = typeof process === "object" ? process.getBuiltinModule?.("async_hooks") : undefined;
  const Storage = builtin?.AsyncLocalStorage ?? (typeof AsyncLocalStorage === "function" ? AsyncLocalStorage : undefined);
  return Storage === undefined ? undefined : new Storage<Value>();
}

/** Asking for random bytes costs a microsecond, however few they are. */
const ENTROPY_POOL_BYTES = 4096;
let pool: Uint8Array = new Uint8Array(0);

/** Bytes that were never given out before. */
function entropy(count: number): Uint8Array {
  if (count > ENTROPY_POOL_BYTES) return crypto.getRandomValues(new Uint8Array(count));
  if (count > pool.length) pool = crypto.getRandomValues(new Uint8Array(ENTROPY_POOL_BYTES));
  const taken = pool.slice(0, count);
  pool = pool.subarray(count);
  return taken;
}

/** The clock, randomness and entropy of this JavaScript runtime. */
export const systemPlatform: Platform = {
  clock: {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    after: (ms: number, task: () => void, holds = false): Timer => {
      const handle = setTimeout(task, ms);
      if (!holds) handle.unref?.();
      return { cancel: () => clearTimeout(handle) };
    },
    soon: (task) => nextTick(task),
    defer: typeof setImmediate === "function" ? (task) => void setImmediate(task) : (task) => void setTimeout(task, 0),
  },
  random: () => Math.random(),
  entropy,
  asyncStorage,
};

/** 72 random bits, the form of mesh ids: enough for one never to be met twice, and short, since every token has it. */
export function randomId(entropy: Platform["entropy"]): string {
  return encodeBase64url(entropy(9));
}
