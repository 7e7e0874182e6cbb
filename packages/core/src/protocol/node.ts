// The node: the protocol of design sections 3 to 5 as a state machine. It does no I/O, has no clock and never waits: its methods
// are the inputs, and what is to be sent, loaded and flushed is asked of it afterwards, by the host (host/).
//
// The state is node-state.ts's: received R, common P, applied A, flushed F, issued G; pending per origin; the log; the cache. The
// invariants that are asserted here:
//   I1. P ≤ R and A ≤ R. What can be read anywhere is present everywhere; each node asserts its own part.
//   I2. A is closed: every write ≤ A has its whole vector ≤ A.
//   I3. Every session's visible vector is ≤ every member's R. Where a session shows otherwise, this node is behind: NODE_BEHIND.
//   I4. The cache holds, for every key, the winner of all writes ≤ A to it, or the entry is marked incomplete.
//   I5. Nodes with equal A show equal values: follows from I4 and the total order of `wins`.
//   I6. The writes ≤ F are closed and the store holds their winners: F is always some earlier A (flush-order.ts).
//
// The protected methods are the protocol's rules, one each, so that the tests can break one at a time and see it found.

import { INCOMPLETE } from "../cache/cache.js";
import { MeshError } from "../errors.js";
import { invariant } from "../invariant.js";
import { BATCH_BYTES_MAX, CLOCK_AHEAD_MS_MAX, LOG_BYTES_MAX } from "../limits.js";
import { Applier } from "./applier.js";
import type { FlushedCounters } from "../store.js";
import type { FlushBatch } from "./flush-order.js";
import { NodeState } from "./node-state.js";
import { raise, Reach, within } from "./ring.js";
import { CHANGE_DELETES, CHANGE_EXPIRES, SegmentWriter, skipApplied, walkSegment, type Segment } from "./segment.js";
import { EMPTY_VECTOR, type Vector } from "./vector.js";
import type { View } from "./view.js";

export class Node extends NodeState {
  readonly #applier = new Applier(this);
  readonly #open = new SegmentWriter();
  /** issuedVersion and appliedVersion for which the open segment's vector was made. */
  #openIssuedVersion = 0;
  #joinedAppliedVersion = 0;
  #scratch = this.ring.zeros();
  /** Join of the vectors of the writes that the running step applies, for I2. */
  #depended = this.ring.zeros();
  #appliedVector: Vector = EMPTY_VECTOR;
  #appliedVectorVersion = 0;

  // Views.

  /** Goes on in a later view, of which it is a member. Throws NODE_BEHIND, and then it cannot. */
  install(view: View): void {
    this.seal();
    this.reslot(view);
    this.#resized();
    // What went round the old ring up to a node that has left has gone round the new one.
    for (let origin = 0; origin < this.ring.size; origin++) if (this.goneRound(origin)) this.common[origin] = this.received[origin];
    this.#apply();
  }

  /** The same for a newcomer that is still to be told what the mesh has: it begins again. */
  override enter(view: View): void {
    super.enter(view);
    this.#resized();
  }

  #resized(): void {
    this.#scratch = this.ring.zeros();
    this.#depended = this.ring.zeros();
  }

  // Writes of this node.

  /** Counter of the newest own write. */
  get counter(): number {
    return this.received[this.ring.self];
  }

  /** Timestamp of the newest own write. */
  written = 0;

  /**
   * Begins a write with this many `change` calls. One that is made again has its timestamp, which the clock has seen. Throws OVERLOADED at the
   * bound of the log: nothing has happened then.
   */
  write(changes: number, again = 0): void {
    const { self, members } = this.ring;
    // Each origin admits its share, so that what others send always finds room: the ring never holds back what must be forwarded.
    if ((this.log.bytesOf[self] + this.#open.length) * members > LOG_BYTES_MAX) {
      throw new MeshError("OVERLOADED", `node ${this.replica} holds ${this.log.bytesOf[self]} bytes of writes that are not yet in the store; try again later`, {
        retryAfterMs: 250,
      });
    }
    this.#joinIssued();
    if (this.#open.count > 0 && (this.#openIssuedVersion !== this.issuedVersion || this.#open.length > BATCH_BYTES_MAX || again > 0)) this.seal();
    const timestamp = again > 0 ? again : this.clock.next();
    this.written = timestamp;
    const counter = this.received[self] + 1;
    if (this.#open.count === 0) {
      const vector = this.issued.slice();
      vector[self] = 0;
      this.#open.begin(this.ring.replicas, self, counter, timestamp, vector);
      this.#openIssuedVersion = this.issuedVersion;
    }
    this.received[self] = counter;
    this.issued[self] = counter;
    this.#open.write(timestamp, changes);
  }

  /** One key of the write that was begun. */
  change(bytes: Uint8Array, keyAt: number, keyLength: number, valueAt: number, valueLength: number, deletes: boolean, expiresAt: number): void {
    const flags = (deletes ? CHANGE_DELETES : 0) | (expiresAt > 0 ? CHANGE_EXPIRES : 0);
    this.#open.change(bytes, keyAt, keyLength, valueAt, valueLength, flags, expiresAt);
  }

  /** Every write here follows what this node shows: its sessions are at or below it, or brought more (`learn`). */
  #joinIssued(): void {
    if (this.#joinedAppliedVersion === this.appliedVersion) return;
    this.#joinedAppliedVersion = this.appliedVersion;
    this.joinVisible();
  }

  /** ⚑ A write follows all that its session has seen: that is within `applied` (`learn`), and what goes beyond it does no harm. */
  protected joinVisible(): void {
    this.raiseIssued(this.applied);
  }

  /** ⚑ A write follows all that its session has written, also where this node does not show it yet. */
  protected joinWritten(written: Vector): void {
    if (written.replicas.length > 0) this.raiseIssued(this.#reach(written));
  }

  /** ⚑ Vectors of one origin never shrink: `issued` is joined into, not replaced. Its own entry is the counter of `write`. */
  protected raiseIssued(vector: readonly number[]): void {
    const { self } = this.ring;
    const own = this.issued[self];
    const changed = raise(this.issued, vector);
    this.issued[self] = own;
    if (changed) this.issuedVersion += 1;
  }

  /** Ends the segment of the newest own writes: it goes to pending and into the log. Called once per tick. */
  seal(): void {
    if (this.#open.count === 0) return;
    const segment = this.#open.seal();
    this.#append(segment);
    this.#apply();
  }

  #append(segment: Segment): void {
    const { origin, last } = segment;
    this.pending.append(segment);
    this.log.append(segment);
    this.ringVersion += 1;
    if (this.goneRound(origin)) this.common[origin] = last;
  }

  /** ⚑ Only the tail of an origin knows that everyone has its writes. */
  protected goneRound(origin: number): boolean {
    return this.ring.isTailOf(origin);
  }

  // Writes of others.

  /** Takes one segment from the predecessor. Duplicates are dropped. Throws MeshError for a gap or a clock that is too far ahead. */
  receive(segment: Segment): void {
    const { origin, first, last, newest } = segment;
    // Of a departed replica without a slot everything is here already.
    if (origin < 0 || last <= this.received[origin]) return;
    if (first > this.received[origin] + 1) {
      throw new MeshError(
        "PROTOCOL",
        `node ${this.replica} expected write ${this.received[origin] + 1} of replica ${this.ring.replicas[origin]} and got ${first}`,
      );
    }
    this.observe(newest);
    // After a join or a lost node the first segment of an origin may be known in part.
    if (first <= this.received[origin]) skipApplied(segment, this.received[origin]);
    this.received[origin] = last;
    if (segment.hasCommit) this.commits.noteAll(segment, () => this.receivedSnapshot());
    this.#append(segment);
  }

  /** Takes note of a timestamp from outside. Throws CLOCK_SKEW beyond the bound: it would win every conflict until then. */
  observe(timestamp: number): void {
    const aheadMs = this.clock.aheadMs(timestamp);
    if (aheadMs > CLOCK_AHEAD_MS_MAX) {
      throw new MeshError(
        "CLOCK_SKEW",
        `a timestamp is ${aheadMs} ms ahead of node ${this.replica}, at most ${CLOCK_AHEAD_MS_MAX} are accepted; set the clocks of the machines`,
      );
    }
    this.clock.observe(timestamp);
  }

  /** Takes what the predecessor knows of common and flushed writes, and applies what has become applicable. */
  learnCommon(common: readonly number[], flushed: readonly number[]): void {
    if (!within(common, this.received)) throw new MeshError("PROTOCOL", `the predecessor of node ${this.replica} calls writes common that it has not sent`);
    if (!within(flushed, this.received)) throw new MeshError("PROTOCOL", `the predecessor of node ${this.replica} calls writes flushed that it has not sent`);
    if (raise(this.common, common)) {
      this.ringVersion += 1;
      invariant(within(this.common, this.received), "I1", () => `common ${this.common.join()} is not within received ${this.received.join()}`);
    }
    this.learnFlushed(flushed);
  }

  /** Takes note of what the store has: counters by replica, of which those without a slot are known. */
  learnStored(stored: FlushedCounters): void {
    const flushed = this.ring.zeros();
    for (const [replica, counter] of stored) {
      const index = this.ring.indexOf(replica);
      if (index >= 0) flushed[index] = Math.min(counter, this.received[index]);
    }
    this.learnFlushed(flushed);
  }

  learnFlushed(flushed: readonly number[]): void {
    if (!raise(this.flushed, flushed)) return;
    this.ringVersion += 1;
    this.flushOrder.flushed(this.flushed);
  }

  // Application.

  /** Ends a step: own writes are sealed, applicable writes applied, and what nobody needs any more is dropped. */
  settle(): void {
    this.seal();
    this.#apply();
    this.cache.versions.expire(this.clock.wallMs);
    this.log.prune((segment) => {
      const { origin, last } = segment;
      // Of a settled replica everybody has everything.
      if (origin < 0) return true;
      return last <= this.applied[origin] && last <= this.common[origin] && last <= this.flushed[origin];
    });
  }

  #apply(): void {
    let changed = false;
    for (let origin = 0; origin < this.ring.size; origin++) {
      if (this.applied[origin] < this.common[origin] && this.#applyOrigin(origin, this.common[origin], false)) changed = true;
    }
    if (changed) this.#cut();
  }

  /** Applies pending writes of one origin in counter order; `integrating` ones are in a session's closed past, the others have to be applicable. */
  #applyOrigin(origin: number, upTo: number, integrating: boolean): boolean {
    const { pending } = this;
    let changed = false;
    for (let head = pending.head(origin); head !== undefined && this.applied[origin] < upTo; head = pending.head(origin)) {
      if (!integrating && !this.applicable(head)) break;
      const last = Math.min(upTo, head.last);
      const from = head.cursor;
      this.#applier.begin(this.ring.replicas[origin]);
      head.cursor = walkSegment(head, from, last, this.#applier);
      this.flushOrder.applied(head, from, last);
      raise(this.#depended, head.vector);
      pending.applied(origin, last - this.applied[origin], last === head.last);
      this.applied[origin] = last;
      changed = true;
    }
    return changed;
  }

  /** ⚑ A write may be shown when its whole vector is common; that its dot is, is not enough. */
  protected applicable(segment: Segment): boolean {
    return within(segment.vector, this.common);
  }

  #cut(): void {
    this.appliedVersion += 1;
    this.ringVersion += 1;
    invariant(within(this.applied, this.received), "I1", () => `applied ${this.applied.join()} is not within received ${this.received.join()}`);
    invariant(within(this.#depended, this.applied), "I2", () => `a write that follows ${this.#depended.join()} is shown at ${this.applied.join()}`);
    this.flushOrder.cut(this.applied);
    // Another node may have shown and flushed all of it before.
    this.flushOrder.flushed(this.flushed);
  }

  // Sessions.

  /**
   * Makes this node show all that a session has seen, and know all that the session's writes depend on. Throws NODE_BEHIND,
   * CAUSAL_PAST_LOST or CLOCK_SKEW, and then nothing has changed.
   */
  learn(visible: Vector, written: Vector, time: number): void {
    this.#reach(written);
    const wanted = this.#reach(visible);
    if (time > 0) this.observe(time);
    // Own writes that are still in the open segment are received too: they must be in pending before they can be integrated.
    if (wanted[this.ring.self] > this.applied[this.ring.self]) this.seal();
    this.integrate(wanted);
    this.joinWritten(written);
  }

  /**
   * The final counters of those departed of whom a session has written more than the mesh has kept; undefined where nothing is lost. The
   * session makes those writes again (design section 7).
   */
  lostOf(written: Vector): FlushedCounters | undefined {
    const lost = written.replicas.flatMap((replica, entry) => {
      const final = this.ring.finalOf(replica);
      return written.counters[entry] > final ? [[replica, final] as const] : [];
    });
    return lost.length === 0 ? undefined : lost;
  }

  #reach(vector: Vector): number[] {
    const reach = this.ring.reach(vector, this.#scratch);
    if (reach === Reach.Newer) throw this.#behind();
    if (reach === Reach.Lost) {
      throw new MeshError("CAUSAL_PAST_LOST", "this session has seen writes that were lost with their nodes; begin a new session to read what is there now");
    }
    return this.#scratch;
  }

  /** Applies everything in a closed vector at once. */
  integrate(wanted: readonly number[]): void {
    if (within(wanted, this.applied)) return;
    // I3 says that this cannot be: then this node has been cut off, and must not answer.
    if (!within(wanted, this.received)) throw this.#behind();
    // What sessions have seen is closed (I2); bytes that only look like it need not be.
    if (!this.pending.isClosed(wanted, this.applied))
      throw new MeshError("PROTOCOL", `node ${this.replica} was asked to show writes without what they follow; a session's vector was changed on its way`);
    let changed = false;
    for (let origin = 0; origin < this.ring.size; origin++) {
      if (wanted[origin] > this.applied[origin] && this.#applyOrigin(origin, wanted[origin], true)) changed = true;
    }
    raise(this.common, wanted);
    if (changed) this.#cut();
    invariant(within(wanted, this.applied), "I3", () => `applied ${this.applied.join()} does not reach ${wanted.join()}`);
    this.#apply();
  }

  /** Whether a write is shown here, or was lost and will never be. */
  shows(replica: number, counter: number): boolean {
    const origin = this.ring.indexOf(replica);
    return origin < 0 ? this.ring.hasMet(replica) : counter <= this.applied[origin];
  }

  #behind(): MeshError {
    return new MeshError("NODE_BEHIND", `node ${this.replica} has not received what this session has seen; another node has`);
  }

  /** Integrates one write that the store holds, by its dot. False: it was never received, so this node is behind (design section 7). */
  integrateDot(replica: number, counter: number): boolean {
    const origin = this.ring.indexOf(replica);
    if (origin < 0) return this.ring.reach({ replicas: [replica], counters: [counter] }, this.#scratch) === Reach.Known;
    if (counter <= this.applied[origin]) return true;
    if (counter > this.received[origin]) return false;
    if (origin === this.ring.self) this.seal();
    const wanted = this.pending.vectorOf(origin, counter);
    if (wanted !== undefined) this.integrate(wanted);
    return counter <= this.applied[origin];
  }

  /** `applied` in the form that sessions keep; the same object until it changes. */
  appliedVector(): Vector {
    if (this.#appliedVectorVersion !== this.appliedVersion) {
      this.#appliedVectorVersion = this.appliedVersion;
      this.#appliedVector = this.ring.vector(this.applied);
    }
    return this.#appliedVector;
  }

  // The total order, and the store.

  /** The total order on writes (design section 5), by the write's own stamp. */
  wins(timestamp: number, replica: number, overTimestamp: number, overReplica: number): boolean {
    return timestamp > overTimestamp || (timestamp === overTimestamp && replica > overReplica);
  }

  /** ⚑ What a write makes of a key that is not in memory: the store may have a newer one. */
  freshFlags(): number {
    return INCOMPLETE;
  }

  /** ⚑ Whether a write with this timestamp wins over whatever this node has shown or the store had, of keys that are not in memory. */
  outranksUnseen(timestamp: number): boolean {
    return timestamp > this.cache.unseenUpTo;
  }

  /** Whether this node flushes: one does for all (flush-order.ts). */
  get isFlusher(): boolean {
    return this.ring.self === this.ring.flusher;
  }

  /** What the flusher writes to the store next; the same again until `learnFlushed`. */
  flushBatch(): FlushBatch | undefined {
    return this.isFlusher ? this.flushOrder.batch() : undefined;
  }

  /** Makes ready what `flushBatch` gives next, while the store works on what it gave last. */
  prepareFlush(): void {
    if (this.isFlusher) this.flushOrder.prepare();
  }

  /** What this node has applied and does not know to be in the store, whoever flushes. */
  unflushed(): FlushBatch | undefined {
    return this.flushOrder.batch();
  }

  get hasUnflushed(): boolean {
    return !within(this.received, this.flushed);
  }
}
