// Who is in the mesh, as far as one node has to do with it (design section 7). The store's registry decides by compare-and-swap; what is here
// decides when to ask it, and what to propose.
//
//   A node whose successor is silent connects to the member behind it, in the epoch of its view: that is the claim that those between are
//   gone. The one who is asked, their head from then on, stops listening to them: what it has received of them by then is final. It proposes
//   the view without them. Whoever meets a newer epoch reads the registry, and installs what stands there before it goes on.

import { REGISTRY_POLL_MS } from "../limits.js";
import { changeView, viewEnded, viewIn, viewSettled, viewWithout, type View } from "../protocol/view.js";
import { backoffMs } from "./backoff.js";
import type { Host } from "./host.js";

/** Grain of the look at the predecessor: silence for so long is a reason to ask the registry. */
const WATCH_MS = 1_000;

export class Membership {
  protected readonly host: Host;
  /** Members that this node does not listen to any more: it has told their predecessor so. */
  readonly #sealed = new Set<number>();
  #refreshing: Promise<void> | undefined;
  #proposing = false;
  #ended = false;
  #readAt = 0;

  constructor(host: Host) {
    this.host = host;
  }

  start(): void {
    this.#readAt = this.host.platform.clock.monotonic();
    this.#watch();
  }

  end(): void {
    this.#ended = true;
  }

  isSealed(replica: number): boolean {
    return this.#sealed.has(replica);
  }

  #watch(): void {
    const { clock } = this.host.platform;
    clock.after(WATCH_MS, () => {
      if (this.#ended) return;
      void this.#settle();
      if (!this.host.neighbours.heardPredecessor() || clock.monotonic() - this.#readAt > REGISTRY_POLL_MS) void this.refresh();
      this.#watch();
    });
  }

  /** Reads the registry and installs the view that stands there, if it is a newer one. Never rejects: whoever needs it asks again. */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#refresh().finally(() => (this.#refreshing = undefined));
    return this.#refreshing;
  }

  async #refresh(): Promise<void> {
    const { store, platform } = this.host;
    this.#readAt = platform.clock.monotonic();
    try {
      const view = viewIn(await this.host.limited(store.readRegistry(), "read the registry"), store.name);
      if (view !== undefined) this.#install(view);
    } catch {
      // The store is away, which others report; a view that cannot be read now can be read later.
    }
  }

  #install(view: View): void {
    const { node } = this.host;
    if (this.#ended || view.epoch <= node.view.epoch) return;
    if (view.members.some(({ replica }) => replica === node.replica)) this.host.install(view);
    else this.host.expel(`the mesh goes on without node ${node.replica} since epoch ${view.epoch}`);
    for (const replica of this.#sealed) if (!node.ring.isMember(replica)) this.#sealed.delete(replica);
  }

  /**
   * A member that stands further before this node than its predecessor says that those between are gone. Believes it, since a ring that is
   * broken there is of no use to anybody, and proposes the view without them.
   */
  claimed(by: number): void {
    const { node } = this.host;
    const { ring } = node;
    for (let index = ring.predecessor; ring.replicas[index] !== by; index = (index + ring.members - 1) % ring.members) this.#sealed.add(ring.replicas[index]);
    this.host.neighbours.dismissPredecessor("was told that you are gone");
    void this.#propose();
  }

  async #propose(): Promise<void> {
    if (this.#proposing) return;
    this.#proposing = true;
    const { platform } = this.host;
    for (let failures = 0; !this.#ended && this.#gone().size > 0; failures++) {
      try {
        await this.#withoutGone();
      } catch {
        await new Promise<void>((resolve) => platform.clock.after(backoffMs(failures, platform.random), resolve));
      }
    }
    this.#proposing = false;
  }

  /** The sealed members directly before this node. A change of the view may have put others between; then they are somebody else's business. */
  #gone(): Set<number> {
    const { ring } = this.host.node;
    const gone = new Set<number>();
    for (let index = ring.predecessor; index !== ring.self && this.#sealed.has(ring.replicas[index]); index = (index + ring.members - 1) % ring.members)
      gone.add(ring.replicas[index]);
    if (gone.size === 0) this.#sealed.clear();
    return gone;
  }

  async #withoutGone(): Promise<void> {
    const { node, store, platform } = this.host;
    const { epoch } = node.view;
    const received = (replica: number): number | undefined => this.received(replica);
    const view = await this.host.limited(
      changeView(store, ({ view: before }) => (before?.epoch === epoch ? viewWithout(before, this.#gone(), received, platform.clock.now()) : undefined)),
      "change the view",
    );
    if (view === undefined) await this.refresh();
    else this.#install(view);
  }

  /**
   * Takes the departed out of the vectors when every member shows all of them. The flusher tells the ring what is in the store, together with
   * what is common; when its predecessor has learnt it, everybody has, and has applied it.
   */
  async #settle(): Promise<void> {
    const { host } = this;
    const { node, store, platform } = host;
    const { ring } = node;
    if (!node.isFlusher || !host.isComplete || this.#proposing) return;
    const settled = new Set<number>();
    for (let slot = ring.members; slot < ring.size; slot++) if (this.settledEverywhere(slot)) settled.add(ring.replicas[slot]);
    if (settled.size === 0) return;
    const { epoch } = node.view;
    try {
      const view = await host.limited(
        changeView(store, ({ view: before }) => (before?.epoch === epoch ? viewSettled(before, settled, platform.clock.now()) : undefined)),
        "change the view",
      );
      if (view !== undefined) this.#install(view);
    } catch {
      // There is no hurry: the next look tries again.
    }
  }

  /** ⚑ Only what has gone round is settled everywhere: that this node has flushed it says nothing of the others. */
  protected settledEverywhere(slot: number): boolean {
    const { node } = this.host;
    const final = node.ring.finals[slot];
    return node.flushed[slot] >= final && this.host.neighbours.hasRoundFlushed(slot, final);
  }

  /** ⚑ What this node has of a replica: the final counter of one that stood before it, once it does not listen to it any more. */
  protected received(replica: number): number | undefined {
    const { node } = this.host;
    const index = node.ring.indexOf(replica);
    return index < 0 ? undefined : node.received[index];
  }

  /** Leaves, when the others can do without what this node has. False: it is the last one, or the deadline has come. */
  async leave(deadline: number): Promise<boolean> {
    const { platform } = this.host;
    while (!this.#ended && platform.clock.monotonic() < deadline) {
      const { node, store } = this.host;
      if (node.ring.members === 1) return false;
      if (this.host.waiters.length === 0 && (await this.#isSpare())) {
        const { epoch } = node.view;
        const gone = new Set([node.replica]);
        const received = (replica: number): number | undefined => (replica === node.replica ? node.counter : undefined);
        try {
          const view = await this.host.limited(
            changeView(store, ({ view: before }) => (before?.epoch === epoch ? viewWithout(before, gone, received, platform.clock.now()) : undefined)),
            "change the view",
          );
          if (view !== undefined) return true;
        } catch {
          // It may have happened all the same: the registry says so.
        }
        await this.refresh();
      }
      await new Promise<void>((resolve) => platform.clock.after(LEAVE_POLL_MS, resolve, true));
    }
    return this.host.isExpelled;
  }

  /**
   * Whether all that this node has survives one more loss without it. It is a copy of what was acknowledged as replicated: two others have to
   * have that; or, where only one is left, the store. Then nothing more may come from that one, which would count this node as its copy.
   */
  async #isSpare(): Promise<boolean> {
    const { host } = this;
    if (!host.neighbours.hasHandedOver) return false;
    host.isEnding = host.node.ring.members === 2;
    if (!host.isEnding) return host.neighbours.hasGoneRound;
    host.neighbours.dismissPredecessor("is leaving");
    host.beginStep();
    return (await host.flusher.drainReceived()) === undefined;
  }

  /** Says that this node, the last one, has ended and the store has everything. False: somebody has joined meanwhile. */
  async conclude(): Promise<boolean> {
    const { node, store } = this.host;
    const { epoch } = node.view;
    if (node.ring.members > 1) return false;
    try {
      const view = await this.host.limited(
        changeView(store, ({ view: before }) => (before?.epoch === epoch ? viewEnded(before) : undefined)),
        "change the view",
      );
      if (view !== undefined) return true;
    } catch {
      // Then whoever starts next looks for this node in vain for a while.
      return true;
    }
    await this.refresh();
    return node.ring.members === 1;
  }
}

/** Grain of `leave`. */
const LEAVE_POLL_MS = 5;
