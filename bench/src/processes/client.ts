// A client process: one driver, and what its work costs.

import { ByteDriver } from "../drivers/byte-driver.js";
import type { Driver, Operation } from "../drivers/driver.js";
import { argument, cpuMicros, serve } from "../serve.js";

export type DriverKind = "mesh" | "mesh-bytes" | "echo" | "ioredis" | "node-redis" | "node-redis-timeouts" | "redis-bytes";

export interface ClientOptions {
  readonly kind: DriverKind;
  /** Bare drivers open one connection to each; the others use the first. */
  readonly ports: readonly number[];
}

export interface Load {
  readonly operations: number;
  readonly elapsedMs: number;
  readonly cpuMicros: number;
}

/** A client loads what it needs and no other library. */
async function open({ kind, ports }: ClientOptions): Promise<Driver> {
  switch (kind) {
    case "mesh":
      return await (await import("../drivers/mesh-library.js")).meshDriver(ports[0]);
    case "ioredis":
      return await (await import("../drivers/redis-libraries.js")).ioredisDriver(ports[0]);
    case "node-redis":
    case "node-redis-timeouts":
      return await (await import("../drivers/redis-libraries.js")).nodeRedisDriver(ports[0], { timeouts: kind === "node-redis-timeouts" });
    case "mesh-bytes":
      return await ByteDriver.open(ports, (await import("../drivers/mesh-bytes.js")).meshProtocol);
    case "redis-bytes":
      return await ByteDriver.open(ports, (await import("../drivers/redis-bytes.js")).redisProtocol);
    case "echo":
      return await ByteDriver.open(ports, (await import("../drivers/echo.js")).echoProtocol);
  }
}

async function measured(work: () => Promise<number>): Promise<Load> {
  const cpuBefore = cpuMicros();
  const start = performance.now();
  const operations = await work();
  return { operations, elapsedMs: performance.now() - start, cpuMicros: cpuMicros() - cpuBefore };
}

const options = argument<ClientOptions>();
const driver = open(options);
// It is reported to whoever asks first.
driver.catch(() => undefined);

const commands = {
  ready: async (): Promise<void> => void (await driver),
  fill: async (entries: number): Promise<void> => (await driver).fill(entries),
  run: async (operation: Operation, depth: number, durationMs: number): Promise<Load> => {
    const opened = await driver;
    return await measured(() => opened.run(operation, depth, durationMs));
  },
  pace: async (operation: Operation, perSecond: number, durationMs: number): Promise<Load> => {
    const opened = await driver;
    if (!(opened instanceof ByteDriver)) throw new Error(`${options.kind} has no paced load`);
    return await measured(() => opened.pace(operation, perSecond, durationMs));
  },
};
export type ClientProgram = typeof commands;
serve(commands);
