// The sending end of a ring link: it connects to the successor, sends what the log has and the successor has not, and after a lost
// connection goes on from what the successor says it has. Nothing is queued here: the log is the queue, this keeps a place in it.

import { ByteReader, MalformedError } from "../bytes/reader.js";
import type { Timer } from "../clock.js";
import { MeshError } from "../errors.js";
import { BATCH_BYTES_MAX, CONNECT_TIMEOUT_MS_DEFAULT, FRAME_BYTES_MAX, LINK_SILENCE_MS_MAX, LINK_WINDOW_BYTES_MAX } from "../limits.js";
import { Queue } from "../protocol/queue.js";
import type { Segment } from "../protocol/segment.js";
import type { Connection, ConnectionEvents } from "../transport.js";
import { ACK, BATCH, beginFrame, endFrame, ERROR, FrameSplitter, type FrameHandler } from "../wire/frames.js";
import { Role, type Welcome } from "../wire/handshake.js";
import { readChanges, readError, writeChanges } from "../wire/messages.js";
import { Opening } from "../wire/opening.js";
import { Outbox } from "../wire/outbox.js";
import { backoffMs } from "./backoff.js";
import type { Host } from "./host.js";
import { startedBefore } from "./started-before.js";

export class RingLink {
  readonly #host: Host;
  #session: LinkSession | undefined;
  #connecting = false;
  #failures = 0;
  #retry: Timer | undefined;
  #closed = false;
  /** Why the link is down, for the log. */
  lastError: MeshError | undefined;
  #bytesSentBefore = 0;

  constructor(host: Host) {
    this.#host = host;
  }

  /** What the successor has acknowledged, in ring order: bounded by what this node sent it or it said itself. */
  get acknowledged(): readonly number[] | undefined {
    return this.#session?.acknowledged;
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
    const { address } = node.view.members[node.ring.successor];
    this.#connecting = true;
    try {
      const connection = await transport.connect(address, (opened) => this.#open(opened), CONNECT_TIMEOUT_MS_DEFAULT);
      this.#connecting = false;
      if (this.#closed) connection.close();
    } catch (error) {
      this.#connecting = false;
      this.#lost(error instanceof MeshError ? error : new MeshError("NODE_UNREACHABLE", `cannot connect to ${address}`, { cause: error }));
    }
  }

  #open(connection: Connection): LinkSession {
    const session = new LinkSession(this.#host, connection, (error) => this.#lost(error));
    this.#session = session;
    // The connection may be used once its events have been handed over.
    this.#host.platform.clock.defer(() => session.start());
    return session;
  }

  #lost(error: MeshError | undefined): void {
    if (this.#session?.ready === true) this.#failures = 0;
    this.#bytesSentBefore += this.#session?.outbox.bytesSent ?? 0;
    this.#session = undefined;
    this.lastError = error;
    if (this.#closed) return;
    const { clock, random } = this.#host.platform;
    this.#failures += 1;
    this.#retry = clock.after(backoffMs(this.#failures - 1, random), () => void this.connect());
  }

  close(): void {
    this.#closed = true;
    this.#retry?.cancel();
    this.#session?.close();
    this.#session = undefined;
  }
}

/** One connection's life. */
class LinkSession implements ConnectionEvents, FrameHandler {
  readonly outbox: Outbox;
  readonly #host: Host;
  readonly #connection: Connection;
  readonly #lost: (error: MeshError | undefined) => void;
  readonly #splitter: FrameSplitter;
  readonly #reader = new ByteReader(new Uint8Array(0));
  #opening: Opening | undefined;
  #ended = false;
  #watch: Timer | undefined;
  acknowledged: number[] | undefined;
  /** Sequence number in the log of what is sent next, and what is on the way. */
  #next = 0;
  readonly #inFlight = new Queue<Segment>();
  #inFlightBytes = 0;
  #heardAt = 0;
  readonly #toldCommon: number[];
  readonly #toldFlushed: number[];
  #pumpedVersion = 0;

  constructor(host: Host, connection: Connection, lost: (error: MeshError | undefined) => void) {
    this.#host = host;
    this.#connection = connection;
    this.#lost = lost;
    this.outbox = new Outbox(connection);
    this.#splitter = new FrameSplitter(this, FRAME_BYTES_MAX);
    this.#toldCommon = host.node.ring.zeros();
    this.#toldFlushed = host.node.ring.zeros();
  }

  get ready(): boolean {
    return this.acknowledged !== undefined;
  }

  start(): void {
    const { node, secret, platform } = this.#host;
    if (this.#ended) return;
    this.#opening = new Opening(this.outbox, { role: Role.Node, replica: node.replica, epoch: node.view.epoch, secret, entropy: platform.entropy }, (welcome) =>
      this.#welcomed(welcome),
    );
    this.outbox.flush();
    this.#heardAt = platform.clock.monotonic();
    this.#watchSilence();
  }

  #welcomed(welcome: Welcome): void {
    const { node } = this.#host;
    const expected = node.ring.replicas[node.ring.successor];
    if (welcome.replica !== expected) throw new MeshError("NODE_BEHIND", `replica ${welcome.replica} answers at the address of replica ${expected}`);
    const received = node.ring.zeros();
    welcome.vector.replicas.forEach((replica, index) => {
      const at = node.ring.indexOf(replica);
      if (at >= 0) received[at] = welcome.vector.counters[index];
    });
    const known = received[node.ring.self];
    if (known > node.counter) throw startedBefore(node.replica);
    this.acknowledged = received;
    this.#opening = undefined;
    this.#next = node.log.start;
    this.#host.tickSoon();
  }

  data(bytes: Uint8Array): void {
    if (this.#ended) return;
    this.#heardAt = this.#host.platform.clock.monotonic();
    try {
      this.#splitter.push(bytes);
    } catch (error) {
      const reason = asMeshError(error);
      this.#end(reason);
      this.#connection.close();
      // No other attempt would end better.
      if (reason.code === "OPTION_INVALID") this.#host.fatal(reason);
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
    if (type !== ACK) throw new MalformedError(`a frame of type ${type} from the successor`);
    readChanges(this.#reader, this.acknowledged!);
    this.#reader.finish();
    this.#acknowledge();
    this.#host.acknowledged();
  }

  #acknowledge(): void {
    const { acknowledged } = this;
    for (let head = this.#inFlight.peek(); head !== undefined && head.last <= acknowledged![head.origin]; head = this.#inFlight.peek()) {
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
    writeChanges(out, node.common, this.#toldCommon);
    writeChanges(out, node.flushed, this.#toldFlushed);
    const empty = out.length - at;
    if (this.#next < node.log.start) this.#next = node.log.start;
    while (this.#next < node.log.end && this.#inFlightBytes < LINK_WINDOW_BYTES_MAX && out.length - at < BATCH_BYTES_MAX) {
      const segment = node.log.at(this.#next)!;
      this.#next += 1;
      if (segment.origin === node.ring.successor || segment.last <= this.acknowledged![segment.origin]) continue;
      out.raw(segment.bytes);
      this.#inFlight.push(segment);
      this.#inFlightBytes += segment.bytes.length;
    }
    // Two zero counts and no segment: there is nothing to say.
    if (out.length - at === empty && out.bytes[out.length - 1] === 0 && out.bytes[out.length - 2] === 0 && empty === EMPTY_BATCH_BYTES) out.length = at;
    else endFrame(out, at);
  }

  /** A successor that acknowledges nothing may be gone without the connection showing it. */
  #watchSilence(): void {
    const { clock } = this.#host.platform;
    this.#watch = clock.after(LINK_SILENCE_MS_MAX / 2, () => {
      const waits = this.#inFlight.length > 0 || !this.ready;
      if (waits && clock.monotonic() - this.#heardAt > LINK_SILENCE_MS_MAX) {
        this.#end(new MeshError("TIMEOUT", `${this.#connection.remote} does not acknowledge`));
        this.#connection.close();
      } else {
        if (!waits) this.#heardAt = clock.monotonic();
        this.#watchSilence();
      }
    });
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
    this.#watch?.cancel();
    this.#lost(error);
  }

  close(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#watch?.cancel();
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
