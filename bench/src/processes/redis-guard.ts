// Runs a redis-server of its own, without persistence, and ends it with the bench, however that ends.

import { readdirSync, readFileSync } from "node:fs";
import { startRedis } from "@causalmesh/test-servers";
import { serve } from "../serve.js";

/** CPU of all threads of a process in microseconds. The scheduler's own account is exact to the nanosecond; `stat` counts ticks of 10 ms. */
function cpuOf(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`);
  return threads.reduce((total, thread) => total + Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "latin1").split(" ")[0]) / 1000, 0);
}

const started = startRedis({ own: true, persistence: "none" });
started.catch(() => undefined);

const commands = {
  listen: async (): Promise<number> => Number(new URL((await started).url).port),
  cpu: async (): Promise<number> => cpuOf((await started).pid!),
};
export type RedisProgram = typeof commands;
serve(commands, async () => await (await started).stop());
