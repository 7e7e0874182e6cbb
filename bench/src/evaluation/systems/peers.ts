// A server's connections to the other servers of its system, opened when they are first used; what is said before that waits in order.

import type { Transport } from "@causalmesh/core";
import { dial, type Rpc } from "../wire/rpc.js";

export class Peers {
  readonly #transport: Transport;
  readonly #addresses: readonly string[];
  readonly #open = new Map<number, Promise<Rpc>>();
  readonly #ready = new Map<number, Rpc>();
  /** What was to be said before the connection was there. */
  readonly #queued = new Map<number, Parameters<Rpc["tell"]>[]>();

  constructor(transport: Transport, addresses: readonly string[]) {
    this.#transport = transport;
    this.#addresses = addresses;
  }

  to(server: number): Promise<Rpc> {
    let peer = this.#open.get(server);
    if (peer === undefined) this.#open.set(server, (peer = dial(this.#transport, this.#addresses[server])));
    return peer;
  }

  /** Says something that is not answered; what is said to one server arrives in order. */
  tell(server: number, ...message: Parameters<Rpc["tell"]>): void {
    const rpc = this.#ready.get(server);
    if (rpc !== undefined) {
      rpc.tell(...message);
      return;
    }
    const queue = this.#queued.get(server);
    if (queue !== undefined) {
      queue.push(message);
      return;
    }
    this.#queued.set(server, [message]);
    const send = (opened: Rpc): void => {
      for (const queued of this.#queued.get(server)!) opened.tell(...queued);
      this.#ready.set(server, opened);
    };
    // All servers listen before the first is asked anything: one that does not has ended, and the others are about to.
    void this.to(server).then(send, () => undefined);
  }

  async close(): Promise<void> {
    const peers = await Promise.allSettled(this.#open.values());
    for (const peer of peers) if (peer.status === "fulfilled") peer.value.close();
  }
}
