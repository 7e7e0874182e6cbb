// One cache server of a system as a process of its own.

import { tcpTransport } from "@causalmesh/transport-tcp";
import { SYSTEMS, type SystemName } from "../evaluation/systems/registry.js";
import type { CacheServer } from "../evaluation/systems/system.js";
import { type ByteCounts, countedTransport } from "../evaluation/wire/counted-transport.js";
import { residentBytes } from "../resident.js";
import { argument, cpuMicros, serve } from "../serve.js";

export interface CacheServerOptions {
  readonly system: SystemName;
  readonly addresses: readonly string[];
  readonly index: number;
  readonly store: string;
}

const { system, ...where } = argument<CacheServerOptions>();
const bytes: ByteCounts = { sent: 0, received: 0 };

async function start(): Promise<CacheServer> {
  const startServer = await SYSTEMS[system].server!();
  return await startServer({ ...where, transport: countedTransport(tcpTransport(), bytes) });
}

const started = start();
started.catch(() => undefined);

const commands = {
  ready: async (): Promise<void> => void (await started),
  backlog: async (): Promise<number> => (await started).backlog(),
  cpu: cpuMicros,
  bytes: (): ByteCounts => bytes,
  /** After a forced collection. */
  resident: async (): Promise<number> => (await residentBytes()).bytes,
};
export type CacheServerProgram = typeof commands;
serve(commands, async () => await (await started).close());
