// One connection to one node, shared by all sessions of this mesh object: requests are pipelined, those of a tick leave together, and
// answers find their call by its number. The link remembers what the node has said (headers) and what it has been told, so that
// requests carry a session's context only when it knows more than that.

import { ByteReader, MalformedError } from "../bytes/reader.js";
import type { Gone } from "../cache/versions.js";
import type { Platform, Timer } from "../clock.js";
import { MeshError } from "../errors.js";
import { InvariantError } from "../invariant.js";
import { CONNECT_TIMEOUT_MS_DEFAULT, FRAME_BYTES_MAX, LINK_PING_MS, LINK_PONG_MS } from "../limits.js";
import { Snapshot } from "../protocol/snapshot.js";
import { counterOf, covers, EMPTY_VECTOR, join, type Vector } from "../protocol/vector.js";
import type { Connection, ConnectionEvents } from "../transport.js";
import { beginFrame, endFrame, ERROR, FrameSplitter, GAVE_UP, GOODBYE, HEADER, LOST, PING, PONG, VIEW, type FrameHandler } from "../wire/frames.js";
import { Role, type Welcome } from "../wire/handshake.js";
import { GONE, readError, readFinals, readHeader, readViewNotice, type ViewNotice } from "../wire/messages.js";
import { Opening } from "../wire/opening.js";
import { Outbox } from "../wire/outbox.js";
import type { Secrets } from "../wire/secrets.js";
import type { Answer, Call } from "./call.js";
import type { SessionContext } from "./context.js";

export interface LinkOptions {
  readonly platform: Platform;
  readonly secrets: Secrets;
  readonly opened: (link: Link, welcome: Welcome) => void;
  /** The connection is gone, with the calls that have no answer. */
  readonly lost: (link: Link, error: MeshError, calls: readonly Call[]) => void;
  /** A call was answered with an error. */
  readonly refused: (call: Call, error: MeshError) => void;
  /** A call was not made, since own writes of its session were lost: those of these replicas beyond these counters. */
  readonly lostWrites: (call: Call, finals: ReadonlyMap<number, number>) => void;
  readonly viewChanged: (notice: ViewNotice) => void;
}

const SLOTS_MIN = 256;
/** Ids of requests begin again after this many. */
const ID_RANGE = 2 ** 32;

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
  readonly #reader = new ByteReader();
  readonly #deadline: Timer;
  #opening: Opening | undefined;
  #ended = false;
  #flushPending = false;
  /** Whether anything came since the last look; since when nothing did; whether the node was asked to say something. */
  #isHeard = true;
  #quietSince = 0;
  #isPinged = false;
  // Calls by request id: a ring buffer, since ids count up and most calls end soon.
  #calls: (Call | undefined)[] = new Array<Call | undefined>(SLOTS_MIN).fill(undefined);
  #nextId = 1;
  inFlight = 0;
  /** What the node was told in contexts that it has answered. */
  #toldVisible: Vector = EMPTY_VECTOR;
  #toldWritten: Vector = EMPTY_VECTOR;
  #toldTime = 0;
  /** Changes with the node's view. */
  view = 0;
  /** How many shares a value that merges may have in that view, and which of them is the node's. */
  shares = 0;
  share = 0;
  /** Replica ids below the next one are members', or of those who have left; the node's vectors have slots for these. */
  #nextReplica = 0;
  #slots: ReadonlySet<number> = new Set();

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
    const { secrets, platform } = this.#options;
    if (this.#ended) return;
    this.#opening = new Opening(this.#outbox, { role: Role.Client, replica: 0, epoch: 0, target: 0, secrets, entropy: platform.entropy }, (welcome) =>
      this.#welcomed(welcome),
    );
    this.#outbox.flush();
  }

  #welcomed(welcome: Welcome): void {
    this.#deadline.cancel();
    this.#opening = undefined;
    this.replica = welcome.replica;
    this.#meet(welcome);
    this.applied = welcome.vector;
    this.issued = welcome.vector;
    this.time = welcome.time;
    this.#options.opened(this, welcome);
  }

  /** Sends a call. The frame leaves with all others of this tick. */
  send(call: Call): void {
    const carried = call.caller.contextFor(this);
    const id = this.#nextId;
    this.#nextId = id === ID_RANGE - 1 ? 1 : id + 1;
    call.sent = true;
    call.id = id;
    call.carried = carried;
    call.view = this.view;
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

  /** Looks now and then, while calls wait, whether the node still says anything; calls may take long, a sign of life may not. */
  watch(now: number): void {
    if (this.#isHeard || this.inFlight === 0) {
      this.#isHeard = false;
      this.#isPinged = false;
      this.#quietSince = now;
    } else if (now - this.#quietSince > LINK_PING_MS + LINK_PONG_MS) {
      this.#fail(new MeshError("NODE_UNREACHABLE", `${this.connection.remote} has not said anything for ${LINK_PING_MS + LINK_PONG_MS} ms`));
    } else if (!this.#isPinged && now - this.#quietSince > LINK_PING_MS) {
      this.#isPinged = true;
      endFrame(this.#outbox.out, beginFrame(this.#outbox.out, PING, 0, 0));
      this.#outbox.flush();
    }
  }

  data(bytes: Uint8Array): void {
    if (this.#ended) return;
    this.#isHeard = true;
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
    else if (type === VIEW) this.#viewChanged(bytes, start, end);
    else if (type === PONG) return;
    else if (type === GOODBYE) this.#goodbye(id);
    else this.#answer(bytes, type, flags, id, start, end);
  }

  #header(bytes: Uint8Array, start: number, end: number): void {
    this.#reader.reset(bytes, start, end);
    const { time, applied, beyond } = readHeader(this.#reader);
    if (time > this.time) this.time = time;
    this.applied = join(this.applied, applied);
    this.issued = join(this.applied, beyond);
  }

  /** The node goes on in another view: what it shows covers all that it showed before, and those who have left need not be named any more. */
  #viewChanged(bytes: Uint8Array, start: number, end: number): void {
    this.#reader.reset(bytes, start, end);
    const notice = readViewNotice(this.#reader);
    this.view += 1;
    this.#meet(notice);
    this.applied = notice.applied;
    this.issued = notice.applied;
    this.#toldVisible = EMPTY_VECTOR;
    this.#toldWritten = EMPTY_VECTOR;
    this.#options.viewChanged(notice);
  }

  #meet({ members, departed, nextReplica, shares }: Pick<Welcome, "members" | "departed" | "nextReplica" | "shares">): void {
    this.shares = shares;
    this.share = members.find(({ replica }) => replica === this.replica)?.share ?? this.share;
    this.#slots = new Set([...members.map(({ replica }) => replica), ...departed]);
    this.#nextReplica = nextReplica;
  }

  /**
   * Whether what the node shows now covers a vector that it knew when it answered: entry by entry, or because whoever has left and is not named
   * any more is covered as a whole.
   */
  covers(vector: Vector): boolean {
    if (covers(this.applied, vector)) return true;
    return vector.replicas.every((replica, entry) => this.hasSettled(replica) || counterOf(this.applied, replica) >= vector.counters[entry]);
  }

  /** Whether a replica has left, and the node shows all of it that the mesh has kept. */
  hasSettled(replica: number): boolean {
    return replica < this.#nextReplica && !this.#slots.has(replica);
  }

  /** The node has looked at no request after this one: those were not done, and can be made elsewhere, whatever they are. */
  #goodbye(last: number): void {
    for (const call of this.pending()) if (call.id !== last && (call.id - last) >>> 0 < ID_RANGE / 2) call.sent = false;
    this.#fail(new MeshError("NODE_UNREACHABLE", `${this.connection.remote} is stopping; another node goes on`));
  }

  /** What the node shows now, as the snapshot of a transaction. */
  snapshot(): Snapshot {
    return Snapshot.of(this.applied, this.#slots, this.#nextReplica);
  }

  /** Tells the node that a transaction was given up, and why the version that it needed was not there. Nothing is answered. */
  gaveUp(why: Gone): void {
    const { out } = this.#outbox;
    const at = beginFrame(out, GAVE_UP, 0, 0);
    out.u8(GONE.indexOf(why));
    endFrame(out, at);
    if (!this.#flushPending) this.#flushSoon();
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
    if (type === LOST) {
      this.#reader.reset(bytes, start, end);
      if (!call.done) this.#options.lostWrites(call, readFinals(this.#reader));
      return;
    }
    if (call.carried !== undefined && call.view === this.view) this.#told(call.carried);
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
