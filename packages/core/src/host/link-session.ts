// The sending end of a ring link, for one connection: it sends what the log has and the successor has not, from what the successor says it has. Nothing
// is queued here: the log is the queue, this keeps a place in it.

import { ByteReader, MalformedError } from "../bytes/reader.js";
import type { Timer } from "../clock.js";
import { MeshError } from "../errors.js";
import { BATCH_BYTES_MAX, FRAME_BYTES_MAX, LINK_WINDOW_BYTES_MAX } from "../limits.js";
import { Queue } from "../protocol/queue.js";
import { within } from "../protocol/ring.js";
import { counterOf } from "../protocol/vector.js";
import type { Segment } from "../protocol/segment.js";
import type { Connection, ConnectionEvents } from "../transport.js";
import { ACK, BASE, BATCH, beginFrame, endFrame, ERROR, FrameSplitter, HEARTBEAT, type FrameHandler } from "../wire/frames.js";
import { Role, type Welcome } from "../wire/handshake.js";
import { readChanges, readError, writeBase, writeChanges } from "../wire/messages.js";
import { Opening } from "../wire/opening.js";
import { Outbox } from "../wire/outbox.js";
import type { Host } from "./host.js";
import { joiningError } from "./newcomer.js";
import { startedBefore } from "./started-before.js";

/** Pause between two messages that say what is flushed and nothing else: nobody but writes at level `stored` waits for that. */
const FLUSHED_PAUSE_MS = 5;

export interface LinkEvents {
  readonly heard: () => void;
  readonly lost: (error: MeshError | undefined) => void;
  /** Another node answers at the address: the one that was looked for is gone for good. */
  readonly replaced: () => void;
}

export class LinkSession implements ConnectionEvents, FrameHandler {
  readonly outbox: Outbox;
  readonly #host: Host;
  readonly #connection: Connection;
  readonly #target: number;
  readonly #events: LinkEvents;
  readonly #splitter: FrameSplitter;
  readonly #reader = new ByteReader();
  #opening: Opening | undefined;
  #ended = false;
  acknowledged: number[] | undefined;
  /** What a newcomer has to receive before it counts; undefined once it has. */
  #awaited: number[] | undefined;
  /** Sequence number in the log of what is sent next, and what is on the way. */
  #next = 0;
  readonly #inFlight = new Queue<Segment>();
  #inFlightBytes = 0;
  readonly #toldCommon: number[];
  readonly #toldFlushed: number[];
  #pumpedVersion = 0;
  #toldFlushedAtMs = -Infinity;
  /** Until what others do not wait for is sent. */
  #paused: Timer | undefined;

  constructor(host: Host, connection: Connection, target: number, events: LinkEvents) {
    this.#host = host;
    this.#connection = connection;
    this.#target = target;
    this.#events = events;
    this.outbox = new Outbox(connection);
    this.#splitter = new FrameSplitter(this, FRAME_BYTES_MAX);
    this.#toldCommon = host.node.ring.zeros();
    this.#toldFlushed = host.node.ring.zeros();
  }

  get ready(): boolean {
    return this.acknowledged !== undefined;
  }

  get isComplete(): boolean {
    return this.ready && this.#awaited === undefined;
  }

  start(): void {
    const { node, secrets, platform } = this.#host;
    if (this.#ended) return;
    const hello = { role: Role.Node, replica: node.replica, epoch: node.view.epoch, target: this.#target };
    this.#opening = new Opening(this.outbox, { ...hello, secrets, entropy: platform.entropy }, (welcome) => this.#welcomed(welcome));
    this.outbox.flush();
  }

  #welcomed(welcome: Welcome): void {
    const { node } = this.#host;
    const { ring } = node;
    if (welcome.replica !== this.#target) {
      this.#events.replaced();
      return;
    }
    const received = ring.replicas.map((replica) => counterOf(welcome.vector, replica));
    if (received[ring.self] > node.counter) throw startedBefore(node.replica);
    this.#opening = undefined;
    this.#next = node.log.start;
    this.acknowledged = received;
    if (!welcome.isComplete) this.#introduce();
    // Where the way is long, the handshake alone takes most of the time after which silence is suspicious.
    this.#events.heard();
    this.#host.tickSoon();
  }

  /** Tells a newcomer what it begins with. */
  #introduce(): void {
    const { node, isComplete } = this.#host;
    const { ring } = node;
    if (!isComplete) throw joiningError(node.replica, "has nothing to hand over yet");
    this.#awaited = node.received.slice();
    // What reaches the store from now on is not in the base, so it has to come from the log.
    node.log.keptFrom = this.#next;
    this.acknowledged = node.flushed.slice();
    const at = beginFrame(this.outbox.out, BASE, 0, 0);
    writeBase(this.outbox.out, {
      flushed: ring.vector(node.flushed),
      received: ring.vector(node.received),
      time: node.clock.now(),
    });
    endFrame(this.outbox.out, at);
  }

  data(bytes: Uint8Array): void {
    if (this.#ended) return;
    try {
      this.#splitter.push(bytes);
    } catch (error) {
      const reason = asMeshError(error);
      this.#end(reason);
      this.#connection.close();
      // No other attempt would end better. Of two that know different secrets or versions the newcomer is the one who is wrong.
      const isNewcomers = (reason.code === "UNAUTHENTICATED" || reason.code === "PROTOCOL_VERSION") && !this.#host.isComplete;
      if (isNewcomers || reason.code === "OPTION_INVALID" || reason.code === "CLOCK_SKEW") this.#host.fatal(reason);
      return;
    }
    this.outbox.flush();
  }

  frame(bytes: Uint8Array, type: number, flags: number, id: number, start: number, end: number): void {
    if (this.#opening !== undefined) {
      this.#opening.frame(bytes, type, flags, id, start, end);
      return;
    }
    this.#reader.reset(bytes, start, end);
    if (type === ERROR) throw readError(this.#reader);
    this.#events.heard();
    if (type !== ACK) throw new MalformedError(`a frame of type ${type} from the successor`);
    readChanges(this.#reader, this.#host.node.ring, this.acknowledged!);
    this.#reader.finish();
    if (this.#awaited !== undefined && within(this.#awaited, this.acknowledged!)) this.#release();
    this.#acknowledge();
    this.#host.acknowledged();
  }

  #acknowledge(): void {
    const { acknowledged } = this;
    for (let head = this.#inFlight.peek(); head !== undefined && (head.origin < 0 || head.last <= acknowledged![head.origin]); head = this.#inFlight.peek()) {
      this.#inFlight.shift();
      this.#inFlightBytes -= head.bytes.length;
    }
    this.pump();
  }

  /** Sends what the node has got: writes at once, and beside them, or after a pause, what it knows of common and flushed ones. */
  pump(): void {
    const { node, platform } = this.#host;
    if (this.acknowledged === undefined) return;
    this.#skip();
    if (this.#hasNext) return this.#send();
    if (this.#pumpedVersion === node.ringVersion) return;
    this.#pumpedVersion = node.ringVersion;
    if (this.#hasCommonNews()) return this.#send();
    if (this.#paused !== undefined || !this.#hasFlushedNews()) return;
    const pauseMs = this.#toldFlushedAtMs + FLUSHED_PAUSE_MS - platform.clock.monotonic();
    if (pauseMs <= 0) this.#send();
    else this.#paused = platform.clock.after(pauseMs, () => this.#send());
  }

  /** Sends batches while the window is open. */
  #send(): void {
    this.#paused?.cancel();
    this.#paused = undefined;
    if (this.#hasFlushedNews()) this.#toldFlushedAtMs = this.#host.platform.clock.monotonic();
    do this.#batch(0);
    while (this.#hasNext);
    this.outbox.flush();
  }

  /** Whether there is a write to send, and room for it on the way. */
  get #hasNext(): boolean {
    return this.#next < this.#host.node.log.end && this.#inFlightBytes < LINK_WINDOW_BYTES_MAX;
  }

  /** Goes past writes that the successor has, or that have gone all the way round. */
  #skip(): void {
    const { node } = this.#host;
    if (this.#next < node.log.start) this.#next = node.log.start;
    for (; this.#next < node.log.end; this.#next++) {
      const { origin, last } = node.log.at(this.#next)!;
      if (origin >= 0 && !node.ring.isTailOf(origin) && last > this.acknowledged![origin]) break;
    }
    if (this.#awaited !== undefined) node.log.keptFrom = this.#next;
  }

  /** Whether the successor may learn of common writes: of what it is the first to know itself, it is told by the way. */
  #hasCommonNews(): boolean {
    const { ring, common } = this.#host.node;
    for (let slot = 0; slot < ring.size; slot++) if (common[slot] > this.#toldCommon[slot] && !ring.endsAtSuccessor(slot)) return true;
    return false;
  }

  #hasFlushedNews(): boolean {
    const { ring, flushed } = this.#host.node;
    return ring.successor !== ring.flusher && !within(flushed, this.#toldFlushed);
  }

  #batch(flags: number): void {
    const { node } = this.#host;
    const { out } = this.outbox;
    const at = beginFrame(out, BATCH, flags, 0);
    writeChanges(out, node.ring, node.common, this.#toldCommon);
    writeChanges(out, node.ring, node.flushed, this.#toldFlushed);
    for (this.#skip(); this.#hasNext && out.length - at < BATCH_BYTES_MAX; this.#skip()) {
      const segment = node.log.at(this.#next)!;
      this.#next += 1;
      out.raw(segment.bytes);
      this.#inFlight.push(segment);
      this.#inFlightBytes += segment.bytes.length;
    }
    endFrame(out, at);
  }

  /** The newcomer has everything, or comes back for it with another base. */
  #release(): void {
    if (this.#awaited === undefined) return;
    this.#awaited = undefined;
    this.#host.node.log.keptFrom = Infinity;
  }

  /** Asks for an acknowledgement, so that silence says something, and says all that the successor has not been told. */
  heartbeat(): void {
    if (!this.ready || this.#ended) return;
    this.#batch(HEARTBEAT);
    this.outbox.flush();
  }

  drained(): void {
    // The window bounds what is on the way; there is nothing to resume.
  }

  closed(error: MeshError | undefined): void {
    this.#end(error);
  }

  #end(error: MeshError | undefined): void {
    if (this.#ended) return;
    this.#stop();
    this.#events.lost(error);
  }

  #stop(): void {
    this.#ended = true;
    this.#paused?.cancel();
    this.#release();
  }

  close(): void {
    if (this.#ended) return;
    this.#stop();
    this.outbox.flush();
    this.#connection.close();
  }
}

function asMeshError(error: unknown): MeshError {
  if (error instanceof MeshError) return error;
  return new MeshError("PROTOCOL", error instanceof Error ? error.message : String(error), { cause: error });
}
