// The store of an evaluation as a process of its own.

import type { Listener } from "@causalmesh/core";
import { tcpTransport } from "@causalmesh/transport-tcp";
import type { SystemEntry } from "../evaluation/systems/registry.js";
import { type ByteCounts, countedTransport } from "../evaluation/wire/counted-transport.js";
import { Rpc, type Service } from "../evaluation/wire/rpc.js";
import { argument, cpuMicros, serve } from "../serve.js";

export interface StoreOptions {
  readonly kind: Exclude<SystemEntry["store"], "redis">;
  readonly delayMs: number;
}

async function serviceOf({ kind, delayMs }: StoreOptions): Promise<Service> {
  if (kind === "causal") return (await import("../evaluation/store/causal-table.js")).causalTable();
  if (kind === "versions") return (await import("../evaluation/store/version-table.js")).versionTable();
  return (await import("../evaluation/store/row-table.js")).rowTable(delayMs);
}

async function listen(): Promise<Listener> {
  const service = await serviceOf(argument<StoreOptions>());
  return await countedTransport(tcpTransport(), bytes).listen("127.0.0.1:0", (connection) => new Rpc(connection, service));
}

const bytes: ByteCounts = { sent: 0, received: 0 };
const listening = listen();
listening.catch(() => undefined);

const commands = {
  listen: async (): Promise<string> => (await listening).address,
  cpu: cpuMicros,
  bytes: (): ByteCounts => bytes,
};
export type StoreProgram = typeof commands;
serve(commands);
