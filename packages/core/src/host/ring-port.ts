// The receiving end of a ring link: batches from the predecessor in, acknowledgements out. A node that has just joined gets its base first.

import { ByteReader, MalformedError } from "../bytes/reader.js";
import { LINK_WINDOW_BYTES_MAX } from "../limits.js";
import { decodeSegment } from "../protocol/segment.js";
import { ACK, BASE, BATCH, beginFrame, endFrame, HEARTBEAT } from "../wire/frames.js";
import { readBase, readChanges, writeChanges } from "../wire/messages.js";
import type { Outbox } from "../wire/outbox.js";
import type { Port } from "./acceptor.js";
import type { Host } from "./host.js";

/** What has come of others' writes is acknowledged by then at the latest: long before the window closes. */
const ACKNOWLEDGED_BYTES = LINK_WINDOW_BYTES_MAX / 4;

export class RingPort implements Port {
  readonly #host: Host;
  readonly #outbox: Outbox;
  readonly #reader = new ByteReader();
  /** What the predecessor said last of its common and flushed writes, and what it was told of the received ones. */
  #common: number[];
  #flushed: number[];
  #acknowledged: number[];
  #isAsked = false;
  #unacknowledgedBytes = 0;

  constructor(host: Host, outbox: Outbox) {
    const { ring, received } = host.node;
    this.#host = host;
    this.#outbox = outbox;
    this.#common = ring.zeros();
    this.#flushed = ring.zeros();
    // The welcome has told these.
    this.#acknowledged = received.slice();
  }

  frame(bytes: Uint8Array, type: number, flags: number, _id: number, start: number, end: number): void {
    const reader = this.#reader;
    reader.reset(bytes, start, end);
    if (type === BASE) this.#begin();
    else if (type === BATCH) this.#batch(bytes, flags, end);
    else throw new MalformedError(`a frame of type ${type} on a ring link`);
  }

  #begin(): void {
    const { node } = this.#host;
    this.#host.begin(readBase(this.#reader));
    this.#common = node.ring.zeros();
    this.#flushed = node.ring.zeros();
    this.#acknowledged = node.received.slice();
  }

  #batch(bytes: Uint8Array, flags: number, end: number): void {
    const { node } = this.#host;
    const reader = this.#reader;
    if ((flags & HEARTBEAT) !== 0) this.#isAsked = true;
    readChanges(reader, node.ring, this.#common);
    readChanges(reader, node.ring, this.#flushed);
    for (let at = reader.at; at < end;) {
      const segment = decodeSegment(bytes, at, end, node.ring);
      at += segment.bytes.length;
      this.#unacknowledgedBytes += segment.bytes.length;
      node.receive(segment);
    }
    // Before it has everything that its predecessor had, a newcomer may be told of more than it has received.
    if (this.#host.isComplete || this.#host.newcomer.completes()) node.learnCommon(this.#common, this.#flushed);
  }

  /** Whether the predecessor, the last to be told, knows that the store has all of a departed replica. */
  hasFlushed(slot: number, counter: number): boolean {
    return this.#flushed[slot] >= counter;
  }

  chunkEnd(): void {
    const { node } = this.#host;
    const { predecessor } = node.ring;
    this.#host.neighbours.hearPredecessor();
    // The predecessor's clients wait to hear of its own writes. That others' have come only makes room, of which there is enough.
    if (this.#isAsked || node.received[predecessor] !== this.#acknowledged[predecessor] || this.#unacknowledgedBytes > ACKNOWLEDGED_BYTES) this.#acknowledge();
    this.#host.tick();
  }

  #acknowledge(): void {
    const { node } = this.#host;
    const { out } = this.#outbox;
    this.#isAsked = false;
    this.#unacknowledgedBytes = 0;
    const at = beginFrame(out, ACK, 0, 0);
    writeChanges(out, node.ring, node.received, this.#acknowledged);
    endFrame(out, at);
    this.#outbox.flush();
  }

  ending(): void {
    // The predecessor sends again what this node has not acknowledged, to whoever is its successor then.
  }

  viewChanged(): void {
    // The host ends this connection: a ring link belongs to one view.
  }

  closed(): void {
    // The predecessor comes back by itself and goes on from the received vector of the next welcome.
  }
}
