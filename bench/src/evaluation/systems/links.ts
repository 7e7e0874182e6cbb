// A client's connections to the servers of a rival: one to each, on which all workflows have their calls in flight.

import { dial, nothing, type Rpc, writeTexts } from "../wire/rpc.js";
import type { ClientOptions } from "./system.js";

export async function dialAll({ addresses, transport }: Pick<ClientOptions, "addresses" | "transport">): Promise<Rpc[]> {
  return await Promise.all(addresses.map((address) => dial(transport, address)));
}

/** Has somebody set these keys to a value, before anything is measured: by a request of this type, which each protocol has. */
export async function fillAt(rpc: Rpc, type: number, keys: readonly string[], value: string): Promise<void> {
  await rpc.call(
    type,
    (out) => {
      writeTexts(out, keys);
      out.text(value);
    },
    nothing,
  );
}
