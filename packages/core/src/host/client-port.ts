// Serves the requests of one client connection. Hits are answered within the chunk that asked, straight from the cache into the
// connection's buffer: no object, promise or string is made for them. What has to wait, for the store or for a durability level, keeps
// its few bytes until then.

import { ABSENT, INCOMPLETE, LOADED, TOMBSTONE } from "../cache/cache.js";
import { ByteReader, MalformedError } from "../bytes/reader.js";
import { encodeUtf8 } from "../bytes/utf8.js";
import type { ByteWriter } from "../bytes/writer.js";
import { MeshError } from "../errors.js";
import { KEY_BYTES_MAX, VALUE_BYTES_MAX, WAITING_REQUESTS_MAX } from "../limits.js";
import type { Node } from "../protocol/node.js";
import type { Vector } from "../protocol/vector.js";
import {
  AGAIN,
  beginFrame,
  COMMIT,
  DONE,
  DRAIN,
  endFrame,
  ERROR,
  FRESH,
  FROM_LOADER,
  GAVE_UP,
  GET,
  GET_MANY,
  GOODBYE,
  HEADER,
  LOST,
  MERGE,
  NO_VALUE,
  PING,
  PONG,
  putFrameHead,
  READ_AT,
  REMOVE,
  STATUS,
  STATUS_ANSWER,
  VALUE,
  VERSIONED,
  VIEW,
  WITH_CONTEXT,
  WRITE,
  WRITTEN,
} from "../wire/frames.js";
import { putVersion, readGone, readVector, writeError, writeFinals, writeHeader, writeViewNotice } from "../wire/messages.js";
import type { FlushedCounters } from "../store.js";
import type { Outbox } from "../wire/outbox.js";
import type { Acceptor, Port } from "./acceptor.js";
import { Committing } from "./committing.js";
import type { Host } from "./host.js";
import { ManyReads } from "./many-reads.js";
import { Merging } from "./merging.js";
import type { Level, Writer } from "./waiters.js";
import { drainRequested, removeRequested } from "./operator-requests.js";
import { keyError, WriteRequest } from "./write-request.js";

/** Bytes that say which write was read: replica, counter, timestamp, expiry. */
const VERSION_BYTES = 4 + 8 + 8 + 8;
const WRITTEN_BYTES = 8 + 8;

export class ClientPort implements Port, Writer {
  readonly #host: Host;
  readonly #node: Node;
  readonly #acceptor: Acceptor;
  readonly #outbox: Outbox;
  readonly #reader = new ByteReader();
  /** What the last header on this connection said. */
  #toldApplied: number[];
  #toldAppliedVersion = 0;
  #toldIssuedVersion = 0;
  #toldTimeMs = 0;
  readonly #writeRequest: WriteRequest;
  /** The last request that was looked at. */
  #lastId = 0;
  readonly #manyReads: ManyReads;
  readonly #committing: Committing;
  readonly #merging: Merging;
  #waiting = 0;
  #closed = false;

  constructor(host: Host, acceptor: Acceptor, outbox: Outbox) {
    this.#host = host;
    this.#node = host.node;
    this.#acceptor = acceptor;
    this.#outbox = outbox;
    this.#writeRequest = new WriteRequest(Math.min(VALUE_BYTES_MAX, host.store.abilities.valueBytesMax));
    this.#manyReads = new ManyReads(host, this);
    this.#committing = new Committing(host, this, this.#writeRequest);
    this.#merging = new Merging(host, this);
    this.#toldApplied = host.node.applied.slice();
    this.#toldAppliedVersion = host.node.appliedVersion;
  }

  /** Where answers are put; to be asked for anew in each step. */
  get out(): ByteWriter {
    return this.#outbox.out;
  }

  /** All answers after it are of the new view. */
  viewChanged(): void {
    const node = this.#node;
    const { out } = this.#outbox;
    const { epoch, members, nextReplica, shares } = node.view;
    const at = beginFrame(out, VIEW, 0, 0);
    writeViewNotice(out, { epoch, members, nextReplica, shares, departed: node.ring.replicas.slice(node.ring.members), applied: node.appliedVector() });
    endFrame(out, at);
    this.#toldApplied = node.applied.slice();
    this.#toldAppliedVersion = node.appliedVersion;
    this.#toldIssuedVersion = 0;
    this.#host.answered(this.#acceptor);
  }

  chunkEnd(): void {
    this.#host.clientChunkEnd();
  }

  /** What is on its way here meanwhile was not done, and the client may make it elsewhere without a doubt. */
  ending(): void {
    endFrame(this.#outbox.out, beginFrame(this.#outbox.out, GOODBYE, 0, this.#lastId));
  }

  closed(): void {
    this.#closed = true;
  }

  frame(bytes: Uint8Array, type: number, flags: number, id: number, start: number, end: number): void {
    if (type === GAVE_UP) {
      this.#reader.reset(bytes, start, end);
      this.#host.aborts[readGone(this.#reader)] += 1;
      return;
    }
    if (type === PING) {
      endFrame(this.#outbox.out, beginFrame(this.#outbox.out, PONG, 0, 0));
      return;
    }
    this.#lastId = id;
    try {
      if (type !== STATUS) this.checkServing();
      const at = (flags & WITH_CONTEXT) !== 0 ? this.#learn(bytes, id, start, end) : start;
      if (at < 0) return;
      if (type === GET) this.#get(bytes, id, flags, at, end);
      else if (type === WRITE) this.#write(bytes, id, flags, at, end);
      else if (type === GET_MANY) this.#manyReads.read(bytes, id, flags, at, end);
      else if (type === READ_AT) this.#manyReads.readAt(bytes, id, flags, at, end);
      else if (type === COMMIT) this.#committing.commit(bytes, id, at, end, (flags & AGAIN) !== 0);
      else if (type === MERGE) this.#merging.merge(bytes, id, at, end);
      else if (type === STATUS) this.#status(id);
      else if (type === DRAIN || type === REMOVE) this.#operate(type, id, at, end, bytes);
      else throw new MalformedError(`a request of type ${type}`);
    } catch (error) {
      if (!(error instanceof MeshError)) throw error;
      this.#error(id, error);
    }
  }

  /**
   * Makes the node follow the session of this request, and returns where the request itself begins; -1 where own writes of the session were
   * lost, which it has to make again first.
   */
  #learn(bytes: Uint8Array, id: number, start: number, end: number): number {
    const reader = this.#reader;
    reader.reset(bytes, start, end);
    const visible = readVector(reader);
    const written = readVector(reader);
    const time = reader.f64();
    const lost = this.#node.lostOf(written);
    if (lost !== undefined) {
      this.#lost(id, lost);
      return -1;
    }
    this.learn(visible, written, time);
    return reader.at;
  }

  /** Makes the node show what a session has seen. */
  learn(visible: Vector, written: Vector, time: number): void {
    try {
      this.#node.learn(visible, written, time);
    } catch (error) {
      // There may be a view in which this node knows what the session has seen, or is told that it has no part in it.
      if (!(error instanceof MeshError)) throw error;
      const { membership, figures } = this.#host;
      const isDoubtful = error.code === "CAUSAL_PAST_LOST" && !membership.isConfirmed;
      if (error.code === "NODE_BEHIND" || isDoubtful) {
        figures.sessionWaits += 1;
        void membership.refresh();
      }
      if (isDoubtful)
        throw new MeshError("NODE_BEHIND", `node ${this.#node.replica} looks whether there is a newer view before it tells a session that its past is lost`);
      throw error;
    }
  }

  // Reads.

  #get(bytes: Uint8Array, id: number, flags: number, start: number, end: number): void {
    const { cache } = this.#node;
    const length = end - start;
    if (length < 1 || length > KEY_BYTES_MAX) throw keyError(length);
    this.#host.reads += 1;
    const at = cache.find(bytes, start, length);
    if (at !== 0 && this.isShowable(at, (flags & FRESH) !== 0)) {
      this.#host.hits += 1;
      cache.touch(at);
      this.#answerGet(id, flags, at);
    } else this.#loadThenGet(bytes.slice(start, end), id, flags);
  }

  /** Whether an entry can be shown as it is: complete, and where a loader returned it, still good. */
  isShowable(at: number, fresh: boolean): boolean {
    const { cache, clock } = this.#node;
    const state = cache.flags(at) & (INCOMPLETE | LOADED);
    if (state === 0) return true;
    return state === LOADED && !fresh && cache.expiresAt(at) > clock.nowMs();
  }

  #loadThenGet(key: Uint8Array, id: number, flags: number): void {
    const { cache } = this.#node;
    this.loadThen(id, key, [0, key.length, cache.hash(key, 0, key.length)], (flags & FRESH) !== 0, () => {
      const at = cache.find(key, 0, key.length);
      if (at !== 0 && this.isShowable(at, false)) this.#answerGet(id, flags, at);
      else this.#loadThenGet(key, id, flags);
    });
  }

  #wait(): void {
    if (this.#waiting >= WAITING_REQUESTS_MAX)
      throw new MeshError("OVERLOADED", `${WAITING_REQUESTS_MAX} requests of this connection wait already; send fewer at a time`, { retryAfterMs: 50 });
    this.#waiting += 1;
  }

  /** Whether the entry shows a value: not deleted, absent or expired. */
  hasValue(at: number, state: number): boolean {
    const { cache } = this.#node;
    if ((state & (TOMBSTONE | ABSENT)) !== 0) return false;
    const expiresAt = cache.expiresAt(at);
    if (expiresAt === 0 || expiresAt > this.#node.clock.nowMs()) return true;
    // The session must not see it come back at a node with a slower clock, so it learns the time by which this was judged.
    if (this.#toldTimeMs < expiresAt) this.#putHeader();
    return false;
  }

  #answerGet(id: number, flags: number, at: number): void {
    const { cache } = this.#node;
    this.bringHeader();
    const state = cache.flags(at);
    const hasValue = this.hasValue(at, state);
    const { out } = this.#outbox;
    const versionBytes = (flags & VERSIONED) !== 0 ? VERSION_BYTES : 0;
    const valueLength = hasValue ? cache.valueLength(at) : 0;
    const origin = (state & LOADED) === 0 ? 0 : FROM_LOADER;
    putFrameHead(out, hasValue ? VALUE : NO_VALUE, (flags & VERSIONED) | origin, id, versionBytes + valueLength);
    if (versionBytes > 0) putVersion(out, cache.replica(at), cache.counter(at), cache.timestamp(at), cache.expiresAt(at));
    if (hasValue) {
      cache.copyValue(at, out.view, out.length);
      out.length += valueLength;
    }
  }

  /** To be called before an answer is begun. */
  bringHeader(): void {
    if (this.#toldAppliedVersion !== this.#node.appliedVersion) this.#putHeader();
  }

  /** All answers after it are at the node's applied vector as it is now. */
  #putHeader(): void {
    const { out } = this.#outbox;
    const node = this.#node;
    const at = beginFrame(out, HEADER, 0, 0);
    writeHeader(out, node.clock.now(), node.ring, node.applied, this.#toldApplied, node.issued);
    endFrame(out, at);
    this.#toldAppliedVersion = node.appliedVersion;
    this.#toldIssuedVersion = node.issuedVersion;
    this.#toldTimeMs = node.clock.nowMs();
  }

  /** Loads keys, and goes on when all of them are there. What that throws is answered; the bytes must stay as they are. */
  loadThen(id: number, bytes: Uint8Array, places: readonly number[], fresh: boolean, next: () => void): void {
    this.#wait();
    let left = places.length / 3;
    let failure: MeshError | undefined;
    const loaded = (error: MeshError | undefined): void => {
      failure ??= error;
      left -= 1;
      if (left > 0) return;
      this.#waiting -= 1;
      this.later(id, () => {
        if (failure !== undefined) throw failure;
        next();
      });
    };
    this.#host.loads.load(bytes, places, loaded, fresh);
  }

  /** Answers outside of the chunk that asked; an error is an answer too. */
  later(id: number, answer: () => void): void {
    if (this.#closed) return;
    try {
      answer();
    } catch (error) {
      if (!(error instanceof MeshError)) throw error;
      this.#error(id, error);
    }
    this.#host.answered(this.#acceptor);
  }

  // Writes.

  #write(bytes: Uint8Array, id: number, flags: number, start: number, end: number): void {
    this.#writeRequest.read(bytes, start, end, false, (flags & AGAIN) !== 0);
    this.makeWrite(id);
  }

  /** Throws NODE_UNREACHABLE from the moment the node stops: what it has by then is what it hands over. */
  checkServing(): void {
    if (this.#host.isClosing) throw new MeshError("NODE_UNREACHABLE", `node ${this.#node.replica} is stopping; another node goes on`);
  }

  /** Makes the write that was read. */
  makeWrite(id: number): void {
    this.#writeRequest.applyTo(this.#node);
    this.made(id, this.#writeRequest.durability);
  }

  /** A write was made: it is answered when it has reached its level. */
  made(id: number, durability: Level): void {
    const node = this.#node;
    this.#host.writes += 1;
    this.#host.wrote(durability, this, id, node.counter, node.written);
  }

  /** Answers a write within the chunk that asked. */
  written(id: number, counter: number, timestamp: number): void {
    if (this.#closed) return;
    const node = this.#node;
    if (this.#toldAppliedVersion !== node.appliedVersion || this.#toldIssuedVersion !== node.issuedVersion) this.#putHeader();
    const { out } = this.#outbox;
    putFrameHead(out, WRITTEN, 0, id, WRITTEN_BYTES);
    out.view.setFloat64(out.length, counter, true);
    out.view.setFloat64(out.length + 8, timestamp, true);
    out.length += WRITTEN_BYTES;
  }

  writtenLater(id: number, counter: number, timestamp: number): void {
    this.written(id, counter, timestamp);
    this.#host.answered(this.#acceptor);
  }

  #status(id: number): void {
    const { out } = this.#outbox;
    const text = encodeUtf8(JSON.stringify({ epoch: this.#node.view.epoch, member: this.#host.status() }));
    putFrameHead(out, STATUS_ANSWER, 0, id, text.length);
    out.raw(text);
  }

  #operate(type: number, id: number, start: number, end: number, bytes: Uint8Array): void {
    this.#reader.reset(bytes, start, end);
    if (type === DRAIN) drainRequested(this.#host, this.#host.onDrain);
    else removeRequested(this.#host, this.#reader);
    endFrame(this.#outbox.out, beginFrame(this.#outbox.out, DONE, 0, id));
  }

  #lost(id: number, finals: FlushedCounters): void {
    const { out } = this.#outbox;
    const at = beginFrame(out, LOST, 0, id);
    writeFinals(out, finals);
    endFrame(out, at);
  }

  #error(id: number, error: MeshError): void {
    const { out } = this.#outbox;
    this.#host.figures.failed(error.code);
    const at = beginFrame(out, ERROR, 0, id);
    writeError(out, error);
    endFrame(out, at);
  }
}
