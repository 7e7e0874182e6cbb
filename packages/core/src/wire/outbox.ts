// What leaves through one connection: everything of a tick is collected in one buffer and handed over once.

import { ByteWriter } from "../bytes/writer.js";
import type { Connection } from "../transport.js";

/** A buffer that has grown beyond this is not kept for later ticks. */
const KEPT_BYTES_MAX = 4 * 1024 * 1024;

export class Outbox {
  /** Frames are appended here; ask for it anew in each step, since it is replaced while the transport holds it. */
  out = new ByteWriter(16 * 1024);
  readonly connection: Connection;
  /** Bytes handed to the transport so far. */
  bytesSent = 0;

  constructor(connection: Connection) {
    this.connection = connection;
  }

  /** Hands over what was collected. */
  flush(): void {
    const { out } = this;
    if (out.length === 0) return;
    this.bytesSent += out.length;
    const reusable = this.connection.send(out.bytes.subarray(0, out.length)) && out.bytes.length <= KEPT_BYTES_MAX;
    if (reusable) out.length = 0;
    else this.out = new ByteWriter(16 * 1024);
  }
}
