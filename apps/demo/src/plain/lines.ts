// Requests and answers of the plain caches: one JSON text per line, all lines of a tick in one send.

import type { Connection } from "@causalmesh/core";

/** Splits what arrives into messages. */
export function lineReader(receive: (message: unknown) => void): (bytes: Uint8Array) => void {
  const decoder = new TextDecoder();
  let rest = "";
  return (bytes) => {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
    rest = lines.pop()!;
    for (const line of lines) receive(JSON.parse(line));
  };
}

export class LineWriter {
  readonly #connection: Connection;
  #lines = "";

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  write(message: unknown): void {
    if (this.#lines === "") {
      setImmediate(() => {
        // A fresh array each time, so that it may stay with the transport for as long as it likes.
        this.#connection.send(new TextEncoder().encode(this.#lines));
        this.#lines = "";
      });
    }
    this.#lines += `${JSON.stringify(message)}\n`;
  }
}
