// A process with one plain cache node.

import { tcpTransport } from "@causalmesh/transport-tcp";
import type { Connection, ConnectionEvents } from "@causalmesh/core";
import { LineWriter, lineReader } from "../plain/lines.js";
import { PlainCache } from "../plain/plain-cache.js";
import type { PlainRequest } from "../plain/plain-client.js";
import { runChild } from "./child.js";
import { openPlace, type StorePlace } from "../stores.js";
import { removeStore } from "./remove-store.js";

export interface PlainNodeOptions {
  readonly store: StorePlace;
  readonly address: string;
  readonly replica: number;
  readonly others: readonly string[];
}

const CONNECT_TIMEOUT_MS = 5_000;

type Message = ({ readonly id: number } & PlainRequest) | { readonly forget: readonly string[] };

runChild(async ({ store: place, address, replica, others }: PlainNodeOptions) => {
  const store = await openPlace(place);
  const transport = tcpTransport();
  const writers = new Map<string, Promise<LineWriter>>();
  const publish = (keys: readonly string[]): void => {
    for (const other of others) {
      let writer = writers.get(other);
      if (writer === undefined) writers.set(other, (writer = connectTo(other)));
      // A node that is not there has nothing to forget.
      void writer.then(
        (open) => open.write({ forget: keys }),
        () => writers.delete(other),
      );
    }
  };
  const connectTo = async (other: string): Promise<LineWriter> => {
    const silent = { data: () => undefined, drained: () => undefined, closed: () => void writers.delete(other) };
    return new LineWriter(await transport.connect(other, () => silent, CONNECT_TIMEOUT_MS));
  };
  const cache = new PlainCache(store, replica, publish);
  const listener = await transport.listen(address, (connection) => serve(cache, connection));
  const stop = async (): Promise<void> => {
    await listener.close();
    await store.close();
  };
  return { stop, orphaned: () => removeStore(place) };
});

function serve(cache: PlainCache, connection: Connection): ConnectionEvents {
  const writer = new LineWriter(connection);
  const answer = async (id: number, request: PlainRequest): Promise<void> => {
    try {
      if ("get" in request) writer.write({ id, values: await cache.getMany(request.get) });
      else {
        await cache.set(request.set);
        writer.write({ id });
      }
    } catch (error) {
      writer.write({ id, error: String(error) });
    }
  };
  const receive = (message: unknown): void => {
    const known = message as Message;
    if ("forget" in known) cache.forget(known.forget);
    else void answer(known.id, known);
  };
  return { data: lineReader(receive), drained: () => undefined, closed: () => undefined };
}
