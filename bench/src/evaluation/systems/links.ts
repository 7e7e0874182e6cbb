// A client's connections to the servers of a rival: one to each, on which all workflows have their calls in flight.

import { dial, type Rpc } from "../wire/rpc.js";
import type { ClientOptions } from "./system.js";

export async function dialAll({ addresses, transport }: Pick<ClientOptions, "addresses" | "transport">): Promise<Rpc[]> {
  return await Promise.all(addresses.map((address) => dial(transport, address)));
}
