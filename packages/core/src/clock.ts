// Time and what else of the platform is handed to the core. The core has no clock of its own: the same code runs under the platform's clock and
// under a simulated one.

/** A pending call of `Clock.after`. */
export interface Timer {
  cancel(): void;
}

/** The clock of a host. */
export interface Clock {
  /** Milliseconds since 1970-01-01 UTC; may jump in either direction. */
  now(): number;
  /** Milliseconds since some fixed moment; never goes backwards. */
  monotonic(): number;
  /** Calls `task` once, `ms` milliseconds from now. A pending timer keeps a process alive only where `holds` is true. */
  after(ms: number, task: () => void, holds?: boolean): Timer;
  /** Calls `task` once, before the next event: after all that the running one has set off, its promises included. */
  soon(task: () => void): void;
  /** Calls `task` once, a little later: after the events that are at hand have been handled, so that what they produce is sent as one batch. */
  defer(task: () => void): void;
}

/** A number in [0, 1), for choosing nodes and jittering pauses; never for secrets. */
export type Random = () => number;

/** This many bytes that nobody can guess, for nonces and mesh ids. */
export type Entropy = (count: number) => Uint8Array;

/** What follows asynchronous calls: the part of AsyncLocalStorage that is used. */
export interface AsyncStorage<Value> {
  run<Result>(value: Value, task: () => Result): Result;
  getStore(): Value | undefined;
}

/** What the core takes from the platform it runs on. */
export interface Platform {
  readonly clock: Clock;
  readonly random: Random;
  readonly entropy: Entropy;
  /** Makes a storage of which `mesh.run` needs one; undefined where the runtime has none. */
  readonly asyncStorage?: <Value>() => AsyncStorage<Value> | undefined;
}
