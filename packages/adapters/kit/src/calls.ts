// The calls of one store, each with a deadline, all of which `close` ends: neither a server that says nothing nor a connection that is
// cut off without a word can hold a node. What a call does with its connection when it is over is the adapter's.

import { MeshError } from "@causalmesh/core";

export interface CallsOptions {
  /** The store's, for messages. */
  readonly name: string;
  /** Milliseconds for one call. */
  readonly timeoutMs: number;
  /** What to look at when no answer comes in time: "check the server and its load". */
  readonly advice: string;
}

/** Why a closed store does nothing any more. */
export function closedError(name: string): MeshError {
  return new MeshError("CLOSED", `${name} was closed; make a new store`);
}

/** What a store has under way. */
export class Calls {
  readonly #options: CallsOptions;
  readonly #underWay = new Set<AbortController>();
  #closed = false;

  constructor(options: CallsOptions) {
    this.#options = options;
  }

  /**
   * Does `work`, and rejects with what it rejects with; with STORE_UNAVAILABLE after `timeoutMs`, and with CLOSED at `close`, whatever the work
   * does then: `signal` tells it, with that error as its reason, and nobody waits for it any more. The process stays alive meanwhile.
   * `timeoutMs` is Infinity for work that consists of such calls.
   */
  async run<Result>(work: (signal: AbortSignal) => Promise<Result>, timeoutMs = this.#options.timeoutMs): Promise<Result> {
    if (this.#closed) throw closedError(this.#options.name);
    const call = new AbortController();
    const { signal } = call;
    // The first to hear of it: what the work makes of the signal comes later.
    const ended = new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as MeshError), { once: true }));
    const timer = timeoutMs === Infinity ? undefined : setTimeout(() => call.abort(this.#lateError(timeoutMs)), timeoutMs);
    this.#underWay.add(call);
    try {
      return await Promise.race([ended, work(signal)]);
    } finally {
      clearTimeout(timer);
      this.#underWay.delete(call);
    }
  }

  /** Ends the calls that are under way; later ones do not begin. */
  close(): void {
    this.#closed = true;
    for (const call of this.#underWay) call.abort(closedError(this.#options.name));
  }

  #lateError(timeoutMs: number): MeshError {
    const { name, advice } = this.#options;
    return new MeshError("STORE_UNAVAILABLE", `${name} did not answer within ${timeoutMs} ms; ${advice}`);
  }
}
