// One connection to one node, shared by all sessions of this mesh object: requests are pipelined, those of a tick leave together, and
// answers find their call by its number. The link remembers what the node has said (headers) and what it has been told, so that
// requests carry a session's context only when it knows more than that.

import { ByteReader, MalformedError } from "../bytes/reader.js";
import type { Platform, Timer } from "../clock.js";
import { MeshError } from "../errors.js";
import { InvariantError } from "../invariant.js";
import { CONNECT_TIMEOUT_MS_DEFAULT, FRAME_BYTES_MAX } from "../limits.js";
import { covers, EMPTY_VECTOR, join, type Vector } from "../protocol/vector.js";
import type { Connection, ConnectionEvents } from "../transport.js";
import { ERROR, FrameSplitter, HEADER, type FrameHandler } from "../wire/frames.js";
import { Role, type Welcome } from "../wire/handshake.js";
import { readError, readHeader } from "../wire/messages.js";
import { Opening } from "../wire/opening.js";
import { Outbox } from "../wire/outbox.js";
import type { Answer, Call } from "./call.js";
import type { SessionContext } from "./context.js";

export interface LinkOptions {
  readonly platform: Platform;
  readonly secret: string | undefined;
  readonly opened: (link: Link, welcome: Welcome) => void;
  /** The connection is gone, with the calls that have no answer. */
  readonly lost: (link: Link, error: MeshError, calls: readonly Call[]) => void;
  /** A call was answered with an error. */
  readonly refused: (call: Call, error: MeshError) => void;
}

const SLOTS_MIN = 256;

export class Link implements ConnectionEvents, FrameHandler, Answer {
  readonly connection: Connection;
  replica = 0;
  /** What all answers so far are at most at; never shrinks. The same object until a header changes it. */
  applied: Vector = EMPTY_VECTOR;
  /** What a write that was just answered follows, but for its own dot. */
  issued: Vector = EMPTY_VECTOR;
  /** The latest hybrid timestamp heard. */
  time = 0;
  readonly #options: LinkOptions;
  readonly #outbox: Outbox;
  readonly #splitter: FrameSplitter;
  readonly #reader = new ByteReader(new Uint8Array(0));
  readonly #deadline: Timer;
  #opening: Opening | undefined;
  #ended = false;
  #flushPending = false;
  // Calls by request id: a ring buffer, since ids count up and most calls end soon.
  #calls: (Call | undefined)[] = new Array<Call | undefined>(SLOTS_MIN).fill(undefined);
  #nextId = 1;
  inFlight = 0;
  /** What the node was told in contexts that it has answered. */
  #toldVisible: Vector = EMPTY_VECTOR;
  #toldWritten: Vector = EMPTY_VECTOR;
  #toldTime = 0;
  // The members in ring order, and the counters of the last header.
  #replicas: readonly number[] = [];
  #counters: number[] = [];
  #beyond: number[] = [];

  // The answer that is being handled; the link is its own Answer, so that there is no object per answer.
  readonly link = this;
  bytes = new Uint8Array(0) as Uint8Array;
  type = 0;
  flags = 0;
  start = 0;
  end = 0;

  constructor(connection: Connection, options: LinkOptions) {
    this.connection = connection;
    this.#options = options;
    this.#outbox = new Outbox(connection);
    this.#splitter = new FrameSplitter(this, FRAME_BYTES_MAX);
    const { clock } = options.platform;
    this.#deadline = clock.after(CONNECT_TIMEOUT_MS_DEFAULT, () =>
      this.#fail(new MeshError("TIMEOUT", `${connection.remote} did not finish the handshake; check that a node listens there`)),
    );
    clock.defer(() => this.#open());
  }

  #open(): void {
    const { secret, platform } = this.#options;
    if (this.#ended) return;
    this.#opening = new Opening(this.#outbox, { role: Role.Client, replica: 0, epoch: 0, secret, entropy: platform.entropy }, (welcome) =>
      this.#welcomed(welcome),
    );
    this.#outbox.flush();
  }

  #welcomed(welcome: Welcome): void {
    this.#deadline.cancel();
    this.#opening = undefined;
    this.replica = welcome.replica;
    this.#replicas = welcome.members.map((member) => member.replica);
    this.#counters = this.#replicas.map((replica) => {
      const at = welcome.vector.replicas.indexOf(replica);
      return at < 0 ? 0 : welcome.vector.counters[at];
    });
    this.#beyond = this.#replicas.map(() => 0);
    this.applied = welcome.vector;
    this.issued = welcome.vector;
    this.time = welcome.time;
    this.#options.opened(this, welcome);
  }

  /** Sends a call. The frame leaves with all others of this tick. */
  send(call: Call): void {
    const carried = call.caller.contextFor(this);
    const id = this.#nextId;
    this.#nextId = id === 0xff_ff_ff_ff ? 1 : id + 1;
    call.sent = true;
    call.id = id;
    call.carried = carried;
    call.encode(this.#outbox.out, id, carried);
    this.#keep(id, call);
    if (!this.#flushPending) this.#flushSoon();
  }

  /** Whether the node knows all that a session has seen. */
  knows(visible: Vector, time: number): boolean {
    return (visible === this.applied || covers(this.applied, visible) || covers(this.#toldVisible, visible)) && (time <= this.time || time <= this.#toldTime);
  }

  /** Whether the node knows all that a session's own writes follow. */
  knowsWritten(written: Vector): boolean {
    return covers(this.issued, written) || covers(this.#toldWritten, written) || this.#isOwn(written);
  }

  /** Whether what a session has written is beyond what the last header said only by the node's own writes. */
  #isOwn(written: Vector): boolean {
    for (let index = 0; index < written.replicas.length; index++) {
      const replica = written.replicas[index];
      if (replica === this.replica) continue;
      const at = this.issued.replicas.indexOf(replica);
      if (at < 0 || this.issued.counters[at] < written.counters[index]) return false;
    }
    return true;
  }

  #flushSoon(): void {
    this.#flushPending = true;
    this.#options.platform.clock.soon(this.#flush);
  }

  readonly #flush = (): void => {
    this.#flushPending = false;
    if (!this.#ended) this.#outbox.flush();
  };

  #keep(id: number, call: Call): void {
    while (this.#calls[id & (this.#calls.length - 1)] !== undefined) this.#growSlots();
    this.#calls[id & (this.#calls.length - 1)] = call;
    this.inFlight += 1;
  }

  #growSlots(): void {
    const calls = this.pending();
    const slots = new Array<Call | undefined>(this.#calls.length * 2).fill(undefined);
    for (const call of calls) slots[call.id & (slots.length - 1)] = call;
    this.#calls = slots;
  }

  /** Calls without an answer yet. */
  pending(): Call[] {
    return this.#calls.filter((call) => call !== undefined);
  }

  data(bytes: Uint8Array): void {
    if (this.#ended) return;
    try {
      this.#splitter.push(bytes);
    } catch (error) {
      if (error instanceof InvariantError) throw error;
      this.#fail(
        error instanceof MeshError
          ? error
          : new MeshError(
              "PROTOCOL",
              `${this.connection.remote} does not speak the CausalMesh protocol (${(error as Error).message}); check the address and the port`,
              { cause: error },
            ),
      );
      return;
    }
    if (this.#opening !== undefined) this.#outbox.flush();
  }

  frame(bytes: Uint8Array, type: number, flags: number, id: number, start: number, end: number): void {
    if (this.#opening !== undefined) this.#opening.frame(bytes, type, flags, id, start, end);
    else if (type === HEADER) this.#header(bytes, start, end);
    else this.#answer(bytes, type, flags, id, start, end);
  }

  #header(bytes: Uint8Array, start: number, end: number): void {
    this.#reader.reset(bytes, start, end);
    const time = readHeader(this.#reader, this.#counters, this.#beyond);
    if (time > this.time) this.time = time;
    this.applied = join(this.applied, this.#vectorOf(this.#counters));
    this.issued = join(this.applied, this.#vectorOf(this.#beyond));
  }

  #vectorOf(counters: readonly number[]): Vector {
    // Members of a view stand in the ring in any order; nearly always it is that of their ids already.
    const pairs = this.#replicas.map((replica, index) => [replica, counters[index]] as const).filter(([, counter]) => counter > 0);
    pairs.sort((a, b) => a[0] - b[0]);
    return { replicas: pairs.map(([replica]) => replica), counters: pairs.map(([, counter]) => counter) };
  }

  #answer(bytes: Uint8Array, type: number, flags: number, id: number, start: number, end: number): void {
    const slot = id & (this.#calls.length - 1);
    const call = this.#calls[slot];
    if (call === undefined || call.id !== id) {
      if (id !== 0 || type !== ERROR) throw new MalformedError(`an answer to request ${id}, which was not asked`);
      this.#reader.reset(bytes, start, end);
      throw readError(this.#reader);
    }
    this.#calls[slot] = undefined;
    this.inFlight -= 1;
    if (type === ERROR) {
      this.#reader.reset(bytes, start, end);
      if (!call.done) this.#options.refused(call, readError(this.#reader));
      return;
    }
    if (call.carried !== undefined) this.#told(call.carried);
    if (call.done) return;
    call.end();
    this.bytes = bytes;
    this.type = type;
    this.flags = flags;
    this.start = start;
    this.end = end;
    call.answered(this);
  }

  #told(context: SessionContext): void {
    this.#toldVisible = join(this.#toldVisible, context.visible);
    this.#toldWritten = join(this.#toldWritten, context.written);
    if (context.time > this.#toldTime) this.#toldTime = context.time;
  }

  drained(): void {
    // Calls are bounded by their deadlines; the transport holds what the node does not read yet.
  }

  closed(error: MeshError | undefined): void {
    this.#end(error ?? new MeshError("NODE_UNREACHABLE", `${this.connection.remote} closed the connection`));
  }

  #fail(error: MeshError): void {
    if (this.#ended) return;
    this.connection.close();
    this.#end(error);
  }

  #end(error: MeshError): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#deadline.cancel();
    this.#options.lost(
      this,
      error,
      this.pending().filter((call) => !call.done),
    );
  }

  /** Ends the connection; calls without an answer are reported as lost. */
  close(error: MeshError): void {
    if (!this.#ended) this.#outbox.flush();
    this.#fail(error);
  }
}
