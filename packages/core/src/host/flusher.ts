// Writes to the store what the node's flush order gives, one batch at a time, for as long as the store is away with back-off.

import { backoffMs } from "./backoff.js";
import type { Platform } from "../clock.js";
import { MeshError } from "../errors.js";
import { FLUSH_DELAY_MS } from "../limits.js";
import type { FlushBatch } from "../protocol/flush-order.js";
import type { Node } from "../protocol/node.js";
import type { Store } from "../store.js";

export interface FlusherOptions {
  readonly node: Node;
  readonly store: Store;
  readonly platform: Platform;
  readonly limited: <Value>(call: Promise<Value>, what: string) => Promise<Value>;
  /** Something is flushed: tell the successor, answer who waits. */
  readonly flushed: () => void;
  /** The store belongs to a later view, in which this node may have a part or not. */
  readonly fenced: () => void;
}

export class Flusher {
  readonly #options: FlusherOptions;
  #running = false;
  #stopped = false;
  /** Failed attempts since the last that succeeded, and why the last failed. */
  failures = 0;
  lastError: MeshError | undefined;

  constructor(options: FlusherOptions) {
    this.#options = options;
  }

  /** Begins to flush, unless another node does it; while it is under way, makes ready what comes next. */
  kick(): void {
    const { node, platform } = this.#options;
    if (this.#stopped || !node.isFlusher || !node.hasUnflushed) return;
    if (this.#running) {
      node.prepareFlush();
      return;
    }
    this.#running = true;
    platform.clock.after(FLUSH_DELAY_MS, () => void this.#run());
  }

  async #run(): Promise<void> {
    const { node, platform, flushed } = this.#options;
    while (!this.#stopped) {
      const batch = node.flushBatch();
      if (batch === undefined) break;
      if (await this.#apply(batch)) flushed();
      else await new Promise<void>((resolve) => platform.clock.after(backoffMs(this.failures, platform.random), resolve));
    }
    this.#running = false;
    if (!this.#stopped && node.flushBatch() !== undefined) this.kick();
  }

  async #apply(batch: FlushBatch): Promise<boolean> {
    const { node, store, limited, fenced } = this.#options;
    try {
      const call = limited(store.apply(batch.rows, batch.flushed, node.view.epoch), "flush");
      node.prepareFlush();
      await call;
    } catch (error) {
      if (error instanceof MeshError && error.code === "NODE_BEHIND") fenced();
      this.failures += 1;
      this.lastError = asStoreError(error, store, "flush");
      return false;
    }
    this.failures = 0;
    this.lastError = undefined;
    node.learnStored(batch.flushed);
    return true;
  }

  /** Ends after the call that is under way. */
  stop(): void {
    this.#stopped = true;
  }

  /**
   * Flushes what this node has applied, whoever is the flusher, for a node that ends: two flushers do the same work twice and
   * nothing else, since batches are cuts and the store keeps winners. Returns why the store did not take it.
   */
  async drain(): Promise<MeshError | undefined> {
    const { node, store, limited } = this.#options;
    if (node.unflushed() === undefined) return undefined;
    try {
      node.learnStored((await limited(store.readRegistry(), "read the registry")).flushed);
    } catch (error) {
      return asStoreError(error, store, "read the registry");
    }
    for (let batch = node.unflushed(); batch !== undefined; batch = node.unflushed()) {
      if (!(await this.#apply(batch))) return this.lastError;
    }
    return undefined;
  }

  /**
   * The same with what could not go round any more, since the successor has ended too, is gone, or stays alone. What this node has received is
   * closed, as each write follows on its way all that it depends on; so the store stays a causal cut (I6).
   */
  async drainReceived(): Promise<MeshError | undefined> {
    const { node } = this.#options;
    node.seal();
    node.integrate(node.received);
    return await this.drain();
  }
}

function asStoreError(error: unknown, store: Store, what: string): MeshError {
  return error instanceof MeshError ? error : new MeshError("STORE_UNAVAILABLE", `${store.name} failed to ${what}`, { cause: error });
}
