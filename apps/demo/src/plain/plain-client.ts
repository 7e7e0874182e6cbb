// A function's way to one plain cache node.

import { tcpTransport } from "@causalmesh/transport-tcp";
import type { Connection } from "@causalmesh/core";
import { LineWriter, lineReader } from "./lines.js";

const CONNECT_TIMEOUT_MS = 5_000;

export type PlainRequest = { readonly get: readonly string[] } | { readonly set: readonly (readonly [string, unknown])[] };

interface PlainAnswer {
  readonly id: number;
  readonly values?: readonly unknown[];
  readonly error?: string;
}

interface Pending {
  resolve(answer: PlainAnswer): void;
  reject(error: Error): void;
}

export class PlainClient {
  readonly #calls = new Map<number, Pending>();
  #writer!: LineWriter;
  #connection!: Connection;
  #id = 0;

  static async connect(address: string): Promise<PlainClient> {
    const client = new PlainClient();
    client.#connection = await tcpTransport().connect(
      address,
      () => ({
        data: lineReader((message) => client.#answered(message as PlainAnswer)),
        drained: () => undefined,
        closed: () => client.#lost(new Error(`${address} closed the connection`)),
      }),
      CONNECT_TIMEOUT_MS,
    );
    client.#writer = new LineWriter(client.#connection);
    return client;
  }

  #answered(answer: PlainAnswer): void {
    const call = this.#calls.get(answer.id);
    this.#calls.delete(answer.id);
    if (answer.error === undefined) call?.resolve(answer);
    else call?.reject(new Error(answer.error));
  }

  #lost(error: Error): void {
    for (const call of this.#calls.values()) call.reject(error);
    this.#calls.clear();
  }

  async call(request: PlainRequest): Promise<readonly unknown[]> {
    this.#id += 1;
    const id = this.#id;
    const answer = await new Promise<PlainAnswer>((resolve, reject) => {
      this.#calls.set(id, { resolve, reject });
      this.#writer.write({ id, ...request });
    });
    return answer.values ?? [];
  }

  close(): void {
    this.#connection.close();
  }
}
