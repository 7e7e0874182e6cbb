// Who is in the mesh, as far as one node has to do with it (design section 7). The store's registry decides by compare-and-swap; what is here
// decides when to ask it, and what to propose.
//
//   A node whose successor is silent connects to the member behind it, in the epoch of its view: that is the claim that those between are
//   gone. The one who is asked, their head from then on, stops listening to them: what it has received of them by then is final. It proposes
//   the view without them. Whoever meets a newer epoch reads the registry, and installs what stands there before it goes on.
//
//   Nobody can tell whether the others are gone or it is cut off itself, and whoever is cut off may still reach the store. So a few members do
//   not go on without the many at once: the next view gives notice of it first, and any of the many that lives objects by taking the few out.

import { REGISTRY_POLL_MS } from "../limits.js";
import { changeView, viewEnded, viewIn, viewNoticed, viewServing, viewSettled, viewWithout, type Notice, type View } from "../protocol/view.js";
import { backoffMs } from "./backoff.js";
import type { Host } from "./host.js";

/** Grain of the look at the predecessor: silence for so long is a reason to ask the registry. */
const WATCH_MS = 1_000;
/** Time for an objection: two looks at the registry, and so many times what the notice took, for reading it and changing the view. */
const OBJECTION_MS = 2 * WATCH_MS;
const OBJECTION_CALLS = 4;
/** In units of that time: how long a notice of somebody else stands, who may be gone by now, before another takes its place. */
const NOTICES_STAND = 3;

export class Membership {
  protected readonly host: Host;
  /** Members that this node does not listen to any more: it has told their predecessor so. */
  readonly #sealed = new Set<number>();
  /** How far the proposal without them has come. "held up": the store was out of reach before their final counters were sent to it. */
  #proposal: "begun" | "held up" | "sent" = "begun";
  /** Nobody answers this node. */
  #isAlone = false;
  /** Until when the newest view's notice may be objected to, and until when nobody puts another in its place. */
  #objectionUntil = 0;
  #noticeUntil = 0;
  #refreshing: Promise<void> | undefined;
  #proposing = false;
  #ended = false;
  #readAt = 0;
  /** When the registry was asked last of those times that it answered. */
  #confirmedAt = 0;

  constructor(host: Host) {
    this.host = host;
  }

  start(): void {
    this.#readAt = this.host.platform.clock.monotonic();
    this.#confirmedAt = this.#readAt;
    this.#watch();
    void this.host.newcomer.whenComplete().then(() => this.serves());
  }

  end(): void {
    this.#ended = true;
  }

  /** Whether this node does not listen to it any more. */
  isSealed(replica: number): boolean {
    return this.#sealed.has(replica);
  }

  /** Whether it has to stay away, now that it comes back. It need not for as long as the proposal without it is held up. */
  refuses(replica: number): boolean {
    if (this.isSealed(replica) && this.#proposal === "held up") this.#sealed.clear();
    return this.isSealed(replica);
  }

  /**
   * Whether there was no newer view than this node's a moment ago. What this one has for lost, a mesh that was begun anew may have found in the store; that
   * takes a notice before it, and so longer than the moment.
   */
  get isConfirmed(): boolean {
    return this.host.platform.clock.monotonic() - this.#confirmedAt < WATCH_MS;
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
    const askedAt = platform.clock.monotonic();
    this.#readAt = askedAt;
    try {
      const view = viewIn(await this.host.limited(store.readRegistry(), "read the registry"), store.name);
      this.#confirmedAt = askedAt;
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
    // What was on its way for an earlier epoch fails there.
    this.#proposal = "begun";
    if (view.notice !== undefined && !this.#ended) this.#noticed(view.notice, OBJECTION_MS);
  }

  #noticed(notice: Notice, waitsMs: number): void {
    const { node, platform } = this.host;
    this.#objectionUntil = platform.clock.monotonic() + waitsMs;
    this.#noticeUntil = platform.clock.monotonic() + waitsMs * NOTICES_STAND;
    if (notice.by !== node.replica) this.#object(new Set(notice.gone));
  }

  /**
   * Takes out those who say that this node is gone, if it lives and is the one behind them: it has what they had. Who is joining and said to be gone
   * as well has nothing, and goes with them.
   */
  #object(gone: ReadonlySet<number>): void {
    const { ring, replica, view } = this.host.node;
    if (!this.host.isComplete || !gone.has(replica)) return;
    const before: number[] = [];
    for (let index = ring.predecessor; index !== ring.self; index = (index + ring.members - 1) % ring.members) {
      if (gone.has(ring.replicas[index]) && view.members[index].joining !== true) break;
      before.push(ring.replicas[index]);
    }
    if (before.every((one) => gone.has(one))) return;
    for (const one of before) this.#sealed.add(one);
    this.host.neighbours.dismissPredecessor("takes you for cut off");
    void this.#propose();
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

  /** No member answers this node. A newcomer has nothing to go on with: it finds the mesh down only after a while, and begins it anew. */
  alone(): void {
    const { newcomer, suspicionBounds, platform } = this.host;
    if (!newcomer.isComplete && newcomer.aloneMs(platform.clock.monotonic()) <= suspicionBounds.takeOverMs) return;
    this.#isAlone = true;
    void this.#propose();
  }

  /** A member has answered. */
  met(): void {
    const { newcomer, platform } = this.host;
    newcomer.met(platform.clock.monotonic());
    this.#isAlone = false;
  }

  async #propose(): Promise<void> {
    if (this.#proposing) return;
    this.#proposing = true;
    this.#proposal = "begun";
    for (let failures = 0; !this.#ended && this.#gone().size > 0; failures++) {
      try {
        await this.#withoutGone();
      } catch {
        if (this.#proposal === "begun") this.#proposal = "held up";
        await this.#sleep(backoffMs(failures, this.host.platform.random));
      }
    }
    this.#proposing = false;
  }

  /**
   * All others, if this node is alone. Otherwise the sealed members directly before it: a change of the view may have put others between, and
   * then they are somebody else's business.
   */
  #gone(): Set<number> {
    const { ring } = this.host.node;
    const gone = new Set<number>();
    if (this.#isAlone) {
      for (let index = 0; index < ring.members; index++) if (index !== ring.self) gone.add(ring.replicas[index]);
      return gone;
    }
    for (let index = ring.predecessor; index !== ring.self && this.#sealed.has(ring.replicas[index]); index = (index + ring.members - 1) % ring.members)
      gone.add(ring.replicas[index]);
    if (gone.size === 0) this.#sealed.clear();
    return gone;
  }

  async #withoutGone(): Promise<void> {
    const { host } = this;
    const gone = this.#gone();
    if (this.needsNotice(gone) && !(await this.#hasGivenNotice(gone))) return;
    if (!host.isComplete) return host.foundAlone();
    const received = (replica: number): number | undefined => this.received(replica);
    await this.#change((before) => {
      if (!isWithin(gone, this.#gone())) return undefined;
      this.#proposal = "sent";
      for (const replica of gone) this.#sealed.add(replica);
      host.neighbours.dismissPredecessor("takes you for gone");
      return viewWithout(before, gone, received, host.platform.clock.now());
    });
  }

  /**
   * ⚑ The few may be those who are cut off. So is a newcomer, perhaps, who would begin the mesh anew. Who is still joining has nothing that would be
   * kept: it makes nobody more, and is not missed by those who object.
   */
  protected needsNotice(gone: ReadonlySet<number>): boolean {
    const { members } = this.host.node.view;
    const kept = members.filter(({ replica, joining }) => !gone.has(replica) && joining !== true);
    const missed = this.#objects ? members.filter(({ replica, joining }) => gone.has(replica) && joining !== true) : [...gone];
    return !this.host.isComplete || missed.length > kept.length;
  }

  /** Whether a notice stands that names this node. */
  get #objects(): boolean {
    const { view, replica } = this.host.node;
    return view.notice?.gone.includes(replica) === true && this.host.platform.clock.monotonic() < this.#noticeUntil;
  }

  /** Gives notice that these are taken for gone, and waits for objections. False: look again at what is to be done. */
  async #hasGivenNotice(gone: ReadonlySet<number>): Promise<boolean> {
    const { node, platform } = this.host;
    const { clock } = platform;
    const { epoch, notice } = node.view;
    const startedAt = clock.monotonic();
    if (notice?.by === node.replica && isWithin(gone, new Set(notice.gone))) {
      await this.#sleep(this.#objectionUntil - startedAt);
      return !this.#ended && node.view.epoch === epoch && isWithin(gone, this.#gone());
    }
    if (notice !== undefined && startedAt < this.#noticeUntil) {
      await this.#sleep(WATCH_MS);
      await this.refresh();
      return false;
    }
    const mine = { by: node.replica, gone: [...gone] };
    await this.#change((before) => viewNoticed(before, mine));
    if (node.view.notice === mine) this.#noticed(mine, OBJECTION_MS + OBJECTION_CALLS * (clock.monotonic() - startedAt));
    return false;
  }

  async #sleep(ms: number): Promise<void> {
    await new Promise<void>((resolve) => this.host.platform.clock.after(Math.max(0, ms), resolve));
  }

  /** Makes the next view, and installs what is the newest then. */
  async #change(next: (before: View) => View | undefined): Promise<void> {
    const view = await this.#swap(next);
    if (view === undefined) await this.refresh();
    else this.#install(view);
  }

  /** Makes the view that follows the one of this node. Undefined: there is a newer one, or `next` makes none. */
  async #swap(next: (before: View) => View | undefined): Promise<View | undefined> {
    const { node, store } = this.host;
    const { epoch } = node.view;
    return await this.host.limited(
      changeView(store, ({ view: before }) => (before?.epoch === epoch ? next(before) : undefined)),
      "change the view",
    );
  }

  /** Says that this newcomer has what the mesh has by now. */
  async serves(): Promise<void> {
    const { node, platform } = this.host;
    for (let failures = 0; !this.#ended; failures++) {
      if (node.view.members.every(({ replica, joining }) => replica !== node.replica || joining !== true)) return;
      try {
        await this.#change((before) => viewServing(before, node.replica));
      } catch {
        await this.#sleep(backoffMs(failures, platform.random));
      }
    }
  }

  /**
   * Takes the departed out of the vectors when every member shows all of them. The flusher tells the ring what is in the store, together with
   * what is common; when its predecessor has learnt it, everybody has, and has applied it.
   */
  async #settle(): Promise<void> {
    const { host } = this;
    const { node, platform } = host;
    const { ring } = node;
    if (!node.isFlusher || !host.isComplete || this.#proposing) return;
    const settled = new Set<number>();
    for (let slot = ring.members; slot < ring.size; slot++) if (this.settledEverywhere(slot)) settled.add(ring.replicas[slot]);
    if (settled.size === 0) return;
    try {
      await this.#change((before) => viewSettled(before, settled, platform.clock.now()));
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
      const { node } = this.host;
      if (node.ring.members === 1) return false;
      if (this.host.waiters.length === 0 && (await this.#isSpare())) {
        const gone = new Set([node.replica]);
        const received = (replica: number): number | undefined => (replica === node.replica ? node.counter : undefined);
        try {
          if ((await this.#swap((before) => viewWithout(before, gone, received, platform.clock.now()))) !== undefined) return true;
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
    const { node } = this.host;
    if (node.ring.members > 1) return false;
    try {
      if ((await this.#swap(viewEnded)) !== undefined) return true;
    } catch {
      // Then whoever starts next looks for this node in vain for a while.
      return true;
    }
    await this.refresh();
    return node.ring.members === 1;
  }
}

function isWithin(some: ReadonlySet<number>, all: ReadonlySet<number>): boolean {
  return [...some].every((one) => all.has(one));
}

/** Grain of `leave`. */
const LEAVE_POLL_MS = 5;
