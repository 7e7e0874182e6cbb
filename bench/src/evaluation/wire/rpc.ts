// Requests and answers between the processes of the systems that are measured beside a mesh. They get the care on the wire that a mesh has: its frames, its buffers,
// everything of a tick in one send, and many calls in flight on one connection.

import type { Connection, ConnectionEvents, Transport } from "@causalmesh/core";
import { beginFrame, ByteReader, type ByteWriter, endFrame, FrameSplitter, Outbox } from "@causalmesh/core/testing";

/** Types of frames that answer; those of requests are each protocol's own, from 16. */
const ANSWER = 1;
const FAILED = 2;
const FRAME_BYTES_MAX = 64 * 1024 * 1024;
const CONNECT_TIMEOUT_MS = 10_000;
export const TEXT_BYTES_MAX = 2 ** 24;

/** Is shown each request. The payload is valid during the call only; it answers with `reply` or `fail`, at once or later, or not at all where nothing is expected. */
export type Service = (rpc: Rpc, type: number, id: number, payload: ByteReader) => void;

type Write = (out: ByteWriter) => void;

interface Waiting {
  read(payload: ByteReader): unknown;
  resolve(value: unknown): void;
  reject(error: Error): void;
}

export class Rpc implements ConnectionEvents {
  readonly #connection: Connection;
  readonly #service: Service;
  readonly #outbox: Outbox;
  readonly #splitter: FrameSplitter;
  readonly #payload = new ByteReader();
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 1;
  #isFlushing = false;
  #ended: Error | undefined;

  constructor(connection: Connection, service: Service) {
    this.#connection = connection;
    this.#service = service;
    this.#outbox = new Outbox(connection);
    this.#splitter = new FrameSplitter(this, FRAME_BYTES_MAX);
  }

  /** Asks, and resolves with what `read` makes of the answer. */
  call<Value>(type: number, write: Write, read: (payload: ByteReader) => Value): Promise<Value> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) {
        reject(this.#ended);
        return;
      }
      const id = this.#nextId++;
      this.#waiting.set(id, { read, resolve: resolve as (value: unknown) => void, reject });
      this.#send(type, id, write);
    });
  }

  /** Says something that is not answered. */
  tell(type: number, write: Write): void {
    this.#send(type, 0, write);
  }

  reply(id: number, write: Write): void {
    this.#send(ANSWER, id, write);
  }

  fail(id: number, error: unknown): void {
    this.#send(FAILED, id, (out) => out.text(error instanceof Error ? error.message : String(error)));
  }

  #send(type: number, id: number, write: Write): void {
    const { out } = this.#outbox;
    const at = beginFrame(out, type, 0, id);
    write(out);
    endFrame(out, at);
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    process.nextTick(this.#flush);
  }

  readonly #flush = (): void => {
    this.#isFlushing = false;
    this.#outbox.flush();
  };

  data(bytes: Uint8Array): void {
    this.#splitter.push(bytes);
  }

  frame(bytes: Uint8Array, type: number, _flags: number, id: number, start: number, end: number): void {
    this.#payload.reset(bytes, start, end);
    if (type > FAILED) {
      this.#service(this, type, id, this.#payload);
      return;
    }
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (type === FAILED) waiting?.reject(new Error(this.#payload.text(TEXT_BYTES_MAX)));
    else waiting?.resolve(waiting.read(this.#payload));
  }

  drained(): void {}

  closed(error: Error | undefined): void {
    this.#ended = error ?? new Error(`${this.#connection.remote} closed the connection`);
    for (const { reject } of this.#waiting.values()) reject(this.#ended);
    this.#waiting.clear();
  }

  close(): void {
    this.#flush();
    this.#connection.close();
    this.closed(new Error("the connection was closed"));
  }
}

const refuse: Service = (rpc, type, id) => rpc.fail(id, `nobody here answers requests of type ${type}`);

export async function dial(transport: Transport, address: string, service: Service = refuse): Promise<Rpc> {
  let rpc!: Rpc;
  await transport.connect(address, (connection) => (rpc = new Rpc(connection, service)), CONNECT_TIMEOUT_MS);
  return rpc;
}

/** For answers that say nothing but that it is done. */
export const nothing = (): void => undefined;

export function writeTexts(out: ByteWriter, texts: readonly string[]): void {
  out.varint(texts.length);
  for (const text of texts) out.text(text);
}

export function readTexts(payload: ByteReader): string[] {
  return readList(payload, (reader) => reader.text(TEXT_BYTES_MAX));
}

export function readList<Item>(payload: ByteReader, read: (payload: ByteReader) => Item): Item[] {
  const items: Item[] = [];
  for (let left = payload.varint(); left > 0; left--) items.push(read(payload));
  return items;
}

/** A value, or that there is none. */
export function writeValue(out: ByteWriter, value: string | undefined): void {
  out.u8(value === undefined ? 0 : 1);
  if (value !== undefined) out.text(value);
}

export function readValue(payload: ByteReader): string | undefined {
  return payload.u8() === 0 ? undefined : payload.text(TEXT_BYTES_MAX);
}
