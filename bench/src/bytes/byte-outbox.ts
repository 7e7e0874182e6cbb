// Bytes on their way into a socket: everything of one socket event in one write, from a buffer that is used again once the kernel has
// taken it.

import type { Socket } from "node:net";

const CAPACITY_MIN = 64 * 1024;

export class ByteOutbox {
  bytes = Buffer.allocUnsafeSlow(CAPACITY_MIN);
  length = 0;
  readonly #socket: Socket;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  reserve(count: number): void {
    if (this.length + count <= this.bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.length + count, this.bytes.length * 2));
    larger.set(this.bytes.subarray(0, this.length));
    this.bytes = larger;
  }

  flush(): void {
    if (this.length === 0) return;
    this.#socket.write(this.bytes.subarray(0, this.length));
    this.length = 0;
    // What the kernel has not taken at once, the socket still reads from this buffer.
    if (this.#socket.writableLength > 0) this.bytes = Buffer.allocUnsafeSlow(CAPACITY_MIN);
  }
}
