// How a node ends: alone, when the others go on (`leave`), or together with the whole mesh (`drain` all, then `close` all).

import { MeshError } from "../errors.js";
import { CLOSE_TIMEOUT_MS } from "../limits.js";
import type { Host } from "./host.js";

/** Grain of `drain`. */
const POLL_MS = 10;
/** Time in which a successor that is only out of reach comes back. */
const LINK_RETURNS_MS = 500;

export class Ending {
  readonly #host: Host;
  #draining: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  #leaving: Promise<void> | undefined;
  /** Why the store does not have everything. */
  #undrained: MeshError | undefined;

  constructor(host: Host) {
    this.#host = host;
  }

  /** Whether no request is taken any more. */
  get hasBegun(): boolean {
    return this.#draining !== undefined || this.#leaving !== undefined;
  }

  /**
   * Takes no more requests, and waits until what the node has is readable everywhere and in the store, or will not get there. Until `close` it
   * goes on passing on what others have. Nodes that end together drain before any of them closes.
   */
  drain(): Promise<void> {
    return (this.#draining ??= this.#drain(this.#host.platform.clock.monotonic() + CLOSE_TIMEOUT_MS));
  }

  /**
   * Drains, and ends. It listens until then, so that nobody takes the store for free. Rejects with the store's error where that did not
   * take everything in time: those writes end with this node.
   */
  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  /**
   * Takes no more requests, hands over to the successor, and ends; the others go on. The last node of a mesh closes. All within `graceMs`. Rejects with
   * STORE_UNAVAILABLE where writes may be lost, since the successor did not get them in time or the store did not take them.
   */
  leave(graceMs: number): Promise<void> {
    return (this.#leaving ??= this.#leave(graceMs));
  }

  async #leave(graceMs: number): Promise<void> {
    const host = this.#host;
    const { clock } = host.platform;
    const deadline = clock.monotonic() + graceMs;
    host.beginStep();
    host.tick();
    let left = await host.membership.leave(deadline);
    while (!left && host.node.ring.members === 1 && !host.hasFailed) {
      await this.#drain(deadline);
      if (this.#undrained === undefined ? await host.membership.conclude() : host.node.ring.members === 1) break;
      // Somebody has joined meanwhile, and takes over.
      left = await host.membership.leave(deadline);
    }
    const isLost = !left && host.node.ring.members > 1 && !host.neighbours.hasHandedOver;
    await host.end();
    if (this.#undrained !== undefined) throw this.#undrained;
    if (isLost)
      throw new MeshError("STORE_UNAVAILABLE", `node ${host.replica} could not hand over what it has within ${graceMs} ms; its newest writes may be lost`);
  }

  async #close(): Promise<void> {
    const host = this.#host;
    await this.drain();
    host.disconnect();
    // Nobody is served from it here any more.
    if (!host.hasFailed) {
      host.beginStep();
      this.#undrained = await host.flusher.drainReceived();
    }
    await host.end();
    if (this.#undrained !== undefined) throw this.#undrained;
  }

  async #drain(deadline: number): Promise<void> {
    const host = this.#host;
    const { clock } = host.platform;
    let connectedAt = clock.monotonic();
    while (!host.hasFailed && clock.monotonic() < deadline) {
      host.beginStep();
      host.tick();
      this.#undrained = await host.flusher.drain();
      // A store that belongs to a later view says so to its members too, until they have seen it.
      if (this.#undrained?.code === "NODE_BEHIND") await host.membership.refresh();
      else if (this.#undrained?.retryable === false) return;
      if (this.#undrained === undefined) {
        if (host.node.log.length === 0 && host.waiters.length === 0) return;
        if (host.neighbours.isLinked) connectedAt = clock.monotonic();
        else if (host.node.pendingWrites === 0 || clock.monotonic() - connectedAt > LINK_RETURNS_MS) return;
      }
      await new Promise<void>((resolve) => clock.after(POLL_MS, resolve, true));
    }
  }
}
