// The receiving end of a ring link: batches from the predecessor in, acknowledgements out.

import { ByteReader, MalformedError } from "../bytes/reader.js";
import { decodeSegment } from "../protocol/segment.js";
import { ACK, BATCH, beginFrame, endFrame } from "../wire/frames.js";
import { readChanges, writeChanges } from "../wire/messages.js";
import type { Outbox } from "../wire/outbox.js";
import type { Port } from "./acceptor.js";
import type { Host } from "./host.js";

export class RingPort implements Port {
  readonly #host: Host;
  readonly #outbox: Outbox;
  readonly #reader = new ByteReader(new Uint8Array(0));
  /** What the predecessor said last of its common and flushed writes, and what it was told of the received ones. */
  readonly #common: number[];
  readonly #flushed: number[];
  readonly #acknowledged: number[];
  readonly #indexOf: (replica: number) => number;

  constructor(host: Host, outbox: Outbox) {
    const { ring, received } = host.node;
    this.#host = host;
    this.#outbox = outbox;
    this.#common = ring.zeros();
    this.#flushed = ring.zeros();
    // The welcome has told these.
    this.#acknowledged = received.slice();
    this.#indexOf = (replica) => ring.indexOf(replica);
  }

  frame(bytes: Uint8Array, type: number, _flags: number, _id: number, start: number, end: number): void {
    if (type !== BATCH) throw new MalformedError(`a frame of type ${type} on a ring link`);
    const { node } = this.#host;
    const reader = this.#reader;
    reader.reset(bytes, start, end);
    readChanges(reader, this.#common);
    readChanges(reader, this.#flushed);
    for (let at = reader.at; at < end;) {
      const segment = decodeSegment(bytes, at, end, node.ring.size, this.#indexOf);
      at += segment.bytes.length;
      node.receive(segment);
    }
    node.learnCommon(this.#common, this.#flushed);
  }

  chunkEnd(): void {
    const { node } = this.#host;
    const { out } = this.#outbox;
    if (node.received.some((counter, index) => counter !== this.#acknowledged[index])) {
      const at = beginFrame(out, ACK, 0, 0);
      writeChanges(out, node.received, this.#acknowledged);
      endFrame(out, at);
      this.#outbox.flush();
    }
    this.#host.tick();
  }

  closed(): void {
    // The predecessor comes back by itself and goes on from the received vector of the next welcome.
  }
}
