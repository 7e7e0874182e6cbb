// A client that is no mesh client: it finishes the handshake properly, or not at all, and then sends whatever bytes a test likes.

import { ByteReader } from "../../src/bytes/reader.js";
import { systemPlatform } from "../../src/embedded/platform.js";
import type { Connection, ConnectionEvents, Transport } from "../../src/transport.js";
import { ERROR, FrameSplitter } from "../../src/wire/frames.js";
import { Role, type Welcome } from "../../src/wire/handshake.js";
import { readError } from "../../src/wire/messages.js";
import { Opening } from "../../src/wire/opening.js";
import { Outbox } from "../../src/wire/outbox.js";
import { Secrets } from "../../src/wire/secrets.js";
import { ByteWriter } from "../../src/bytes/writer.js";
import { until } from "./cluster.js";

export interface RawFrame {
  readonly type: number;
  readonly flags: number;
  readonly id: number;
  readonly payload: Uint8Array;
}

export class RawClient implements ConnectionEvents {
  connection!: Connection;
  readonly frames: RawFrame[] = [];
  isClosed = false;
  welcome: Welcome | undefined;
  #opening: Opening | undefined;
  #outbox!: Outbox;
  readonly #splitter = new FrameSplitter(
    {
      frame: (bytes, type, flags, id, start, end) => {
        if (this.#opening !== undefined && type !== ERROR) this.#opening.frame(bytes, type, flags, id, start, end);
        else this.frames.push({ type, flags, id, payload: bytes.slice(start, end) });
      },
    },
    64 * 1024 * 1024,
  );

  static async connect(transport: Transport, address: string): Promise<RawClient> {
    const client = new RawClient();
    await transport.connect(
      address,
      (connection) => {
        client.connection = connection;
        return client;
      },
      1000,
    );
    return client;
  }

  /** A client, or the predecessor, that the node has welcomed. */
  static async welcomed(
    transport: Transport,
    address: string,
    { secret, replica = 0, epoch = 0, target = 0 }: { secret?: string; replica?: number; epoch?: number; target?: number } = {},
  ): Promise<RawClient> {
    const client = await RawClient.connect(transport, address);
    client.#outbox = new Outbox(client.connection);
    const role = replica === 0 ? Role.Client : Role.Node;
    client.#opening = new Opening(
      client.#outbox,
      { role, replica, epoch, target, secrets: new Secrets(secret), entropy: systemPlatform.entropy },
      (welcome) => {
        client.welcome = welcome;
        client.#opening = undefined;
      },
    );
    client.#outbox.flush();
    await until(() => client.welcome !== undefined || client.isClosed);
    return client;
  }

  data(bytes: Uint8Array): void {
    this.#splitter.push(bytes);
    if (this.#opening !== undefined) this.#outbox.flush();
  }

  drained(): void {}

  closed(): void {
    this.isClosed = true;
  }

  /** Sends what the function writes. */
  send(write: Uint8Array | ((out: ByteWriter) => void)): void {
    if (write instanceof Uint8Array) {
      this.connection.send(write);
      return;
    }
    const out = new ByteWriter();
    write(out);
    this.connection.send(out.copy());
  }

  /** The first frame that answers this request, when it is there. */
  async answer(id: number): Promise<RawFrame> {
    await until(() => this.isClosed || this.frames.some((frame) => frame.id === id));
    const frame = this.frames.find((candidate) => candidate.id === id);
    if (frame === undefined) throw new Error("the connection was closed without an answer");
    return frame;
  }

  /** The code that the node gave, in answer to the request or when it closed the connection. */
  async refusal(id = 0): Promise<string> {
    const isIt = (frame: RawFrame): boolean => frame.id === id && (id !== 0 || frame.type === ERROR);
    await until(() => this.isClosed || this.frames.some(isIt));
    const frame = this.frames.find(isIt);
    if (frame === undefined) return "closed without a reason";
    return frame.type === ERROR ? readError(new ByteReader(frame.payload)).code : `type ${frame.type}`;
  }
}
