// The sending end of a ring link: it connects to the successor, sends what the log has and the successor has not, and after a lost
// connection goes on from what the successor says it has. Nothing is queued here: the log is the queue, this keeps a place in it.

import { ByteReader, MalformedError } from "../bytes/reader.js";
import type { Timer } from "../clock.js";
import { MeshError } from "../errors.js";
import { BATCH_BYTES_MAX, CONNECT_TIMEOUT_MS_DEFAULT, FRAME_BYTES_MAX, HEARTBEAT_MS, LINK_WINDOW_BYTES_MAX } from "../limits.js";
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
import { backoffMs } from "./backoff.js";
import type { Host } from "./host.js";
import { joiningError } from "./newcomer.js";
import { startedBefore } from "./started-before.js";
import { Suspicion } from "./suspicion.js";

/** Ticks that may be missed before this process takes itself for the one that stood still. */
const MISSED_TICKS_MAX = 3;

export class RingLink {
  readonly #host: Host;
  readonly #successor: number;
  readonly #suspicion: Suspicion;
  #session: LinkSession | undefined;
  /** Numbers the attempts to connect, so that one that was given up is known when it succeeds after all. */
  #attempt = 0;
  #connecting = false;
  #failures = 0;
  #retry: Timer | undefined;
  #heartbeat: Timer | undefined;
  #tickedAt: number;
  /** Members behind this node that are given up: the link claims to the next one that they are gone. */
  #skipped = 0;
  #closed = false;
  #bytesSentBefore = 0;
  /** Why the link is down, for the log. */
  lastError: MeshError | undefined;

  /** A change of the view is no sign of life: where the successor stays, so does what the link before has heard of it, or not. */
  constructor(host: Host, before?: RingLink) {
    this.#host = host;
    const { node, platform } = host;
    const now = platform.clock.monotonic();
    this.#tickedAt = now;
    this.#successor = node.ring.replicas[node.ring.successor];
    const stays = before !== undefined && before.#successor === this.#successor && before.#skipped === 0;
    this.#suspicion = stays ? before.#suspicion : new Suspicion(host.suspicionBounds, now);
    this.#tick();
  }

  /** What the successor has acknowledged, by slot, once it has all that this node had when it joined. */
  get acknowledged(): readonly number[] | undefined {
    return this.#session?.isComplete === true ? this.#session.acknowledged : undefined;
  }

  get connected(): boolean {
    return this.#session?.ready ?? false;
  }

  get bytesSent(): number {
    return this.#bytesSentBefore + (this.#session?.outbox.bytesSent ?? 0);
  }

  /** Sends what is new. */
  pump(): void {
    this.#session?.pump();
  }

  async connect(): Promise<void> {
    if (this.#closed || this.#connecting || this.#session !== undefined) return;
    const { node, transport } = this.#host;
    const { address, replica } = node.view.members[(node.ring.successor + this.#skipped) % node.ring.members];
    const attempt = ++this.#attempt;
    this.#connecting = true;
    try {
      const connection = await transport.connect(address, (opened) => this.#open(opened, replica, attempt), CONNECT_TIMEOUT_MS_DEFAULT);
      if (this.#closed || attempt !== this.#attempt) connection.close();
      else this.#connecting = false;
    } catch (error) {
      if (attempt !== this.#attempt) return;
      this.#connecting = false;
      this.#lost(error instanceof MeshError ? error : new MeshError("NODE_UNREACHABLE", `cannot connect to ${address}`, { cause: error }));
    }
  }

  #open(connection: Connection, replica: number, attempt: number): LinkSession {
    const session = new LinkSession(this.#host, connection, replica, {
      heard: () => this.#heard(),
      lost: (error) => {
        if (this.#session === session) this.#lost(error);
      },
      replaced: () => this.#giveUp(),
    });
    if (this.#closed || attempt !== this.#attempt) return session;
    this.#session = session;
    // The connection may be used once its events have been handed over.
    this.#host.platform.clock.defer(() => session.start());
    return session;
  }

  #heard(): void {
    this.#suspicion.heard(this.#host.platform.clock.monotonic());
    this.#host.membership.met();
  }

  #lost(error: MeshError | undefined): void {
    if (this.#session?.ready === true) this.#failures = 0;
    this.#forget();
    // That does not heal by itself; once, since it is tried again and again.
    if (error?.code === "UNAUTHENTICATED" && error.message !== this.lastError?.message) this.#host.warn(`the link to the next node fails: ${error.message}`);
    this.lastError = error;
    if (this.#closed) return;
    const { clock, random } = this.#host.platform;
    const lives = error?.code === "NODE_BEHIND";
    // The successor and this node are there, and one of them is not ready for the other yet.
    const waits = error?.retryAfterMs !== undefined && this.#skipped === 0;
    if (lives) {
      // It knows now who is silent, and they are asked again meanwhile.
      this.#skipped = 0;
      this.#host.membership.met();
    }
    if (lives || waits) {
      // Or one of the two has not seen the newest view yet.
      this.#suspicion.reset(clock.monotonic());
      void this.#host.membership.refresh();
    }
    this.#failures += 1;
    this.#retry?.cancel();
    const pauseMs = backoffMs(this.#failures - 1, random);
    // Whoever lives is heard in time to see that it still does.
    this.#retry = clock.after(lives || waits ? Math.min(pauseMs, HEARTBEAT_MS) : pauseMs, () => void this.connect());
  }

  #tick(): void {
    const { clock } = this.#host.platform;
    this.#heartbeat = clock.after(HEARTBEAT_MS, () => {
      const now = clock.monotonic();
      if (now - this.#tickedAt > HEARTBEAT_MS * MISSED_TICKS_MAX) {
        // This process stood still: what it has not heard meanwhile says nothing about others, and they may have gone on without it.
        this.#suspicion.reset(now);
        void this.#host.membership.refresh();
      }
      this.#tickedAt = now;
      if (this.#suspicion.suspects(now)) this.#giveUp();
      else this.#session?.heartbeat();
      this.#tick();
    });
  }

  /** Goes on to the next member; with none left this node is alone, and once more goes round all of them. */
  #giveUp(): void {
    const { node, platform, membership } = this.#host;
    const others = node.ring.members - 1;
    this.#suspicion.reset(platform.clock.monotonic());
    this.#attempt += 1;
    this.#connecting = false;
    this.#retry?.cancel();
    this.#session?.close();
    this.#forget();
    this.#failures = 0;
    this.#skipped = (this.#skipped + 1) % others;
    void this.connect();
    if (this.#skipped === 0) membership.alone();
  }

  close(): void {
    this.#closed = true;
    this.#retry?.cancel();
    this.#heartbeat?.cancel();
    this.#session?.close();
    this.#forget();
  }

  #forget(): void {
    this.#bytesSentBefore = this.bytesSent;
    this.#session = undefined;
  }
}

interface LinkEvents {
  readonly heard: () => void;
  readonly lost: (error: MeshError | undefined) => void;
  /** Another node answers at the address: the one that was looked for is gone for good. */
  readonly replaced: () => void;
}

class LinkSession implements ConnectionEvents, FrameHandler {
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

  /** Sends batches while the window is open. Nothing is done unless the node has something new or the window has moved. */
  pump(): void {
    const { node } = this.#host;
    if (this.acknowledged === undefined) return;
    if (this.#pumpedVersion === node.ringVersion && this.#next >= node.log.end) return;
    this.#pumpedVersion = node.ringVersion;
    do this.#batch();
    while (this.#next < node.log.end && this.#inFlightBytes < LINK_WINDOW_BYTES_MAX);
    this.outbox.flush();
  }

  #batch(): void {
    const { node } = this.#host;
    const { out } = this.outbox;
    const at = beginFrame(out, BATCH, 0, 0);
    writeChanges(out, node.ring, node.common, this.#toldCommon);
    writeChanges(out, node.ring, node.flushed, this.#toldFlushed);
    const empty = out.length - at;
    if (this.#next < node.log.start) this.#next = node.log.start;
    while (this.#next < node.log.end && this.#inFlightBytes < LINK_WINDOW_BYTES_MAX && out.length - at < BATCH_BYTES_MAX) {
      const segment = node.log.at(this.#next)!;
      this.#next += 1;
      if (segment.origin < 0 || node.ring.isTailOf(segment.origin) || segment.last <= this.acknowledged![segment.origin]) continue;
      out.raw(segment.bytes);
      this.#inFlight.push(segment);
      this.#inFlightBytes += segment.bytes.length;
    }
    if (this.#awaited !== undefined) node.log.keptFrom = this.#next;
    // Two zero counts and no segment: there is nothing to say.
    if (out.length - at === empty && out.bytes[out.length - 1] === 0 && out.bytes[out.length - 2] === 0 && empty === EMPTY_BATCH_BYTES) out.length = at;
    else endFrame(out, at);
  }

  /** The newcomer has everything, or comes back for it with another base. */
  #release(): void {
    if (this.#awaited === undefined) return;
    this.#awaited = undefined;
    this.#host.node.log.keptFrom = Infinity;
  }

  /** Asks for an acknowledgement, so that silence says something. */
  heartbeat(): void {
    if (!this.ready || this.#ended) return;
    const { out } = this.outbox;
    const at = beginFrame(out, BATCH, HEARTBEAT, 0);
    out.varint(0);
    out.varint(0);
    endFrame(out, at);
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
    this.#ended = true;
    this.#release();
    this.#events.lost(error);
  }

  close(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#release();
    this.outbox.flush();
    this.#connection.close();
  }
}

/** A frame's head and two zero counts. */
const EMPTY_BATCH_BYTES = 12;

function asMeshError(error: unknown): MeshError {
  if (error instanceof MeshError) return error;
  return new MeshError("PROTOCOL", error instanceof Error ? error.message : String(error), { cause: error });
}
