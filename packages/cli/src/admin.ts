// The admin port of a node: for orchestrators, Prometheus and people. It shows no keys and no values, and changes nothing.

import type { RunningNode } from "@causalmesh/core";
import { Hono } from "hono";
import type { HostPort } from "./address.js";
import { METRICS_CONTENT_TYPE } from "./metrics-format.js";
import { formatMetrics, processNumbers } from "./metrics.js";
import { serveApp, type SmallServer } from "./small-server.js";

export interface AdminOptions {
  readonly address: HostPort;
  readonly node: Pick<RunningNode, "status" | "durations" | "debug">;
  /** Whether the node has been told to stop. */
  isStopping(): boolean;
}

export async function startAdmin(options: AdminOptions): Promise<SmallServer> {
  return await serveApp(adminApp(options), options.address, { name: "admin address", flag: "--admin" });
}

/** The routes, without a socket. */
export function adminApp({ node, isStopping }: Pick<AdminOptions, "node" | "isStopping">): Hono {
  const app = new Hono();
  app.get("/livez", (c) => c.text("ok\n"));
  app.get("/readyz", (c) => {
    const state = isStopping() ? "leaving" : node.status().state;
    return state === "serving" ? c.text("ok\n") : c.text(`${state}\n`, 503);
  });
  app.get("/metrics", (c) => {
    const numbers = { status: node.status(), durations: node.durations() };
    return c.body(formatMetrics(numbers, processNumbers()), 200, { "content-type": METRICS_CONTENT_TYPE });
  });
  app.get("/status", (c) => c.json(node.status()));
  app.get("/debug", (c) => c.json({ node: node.debug(), durations: node.durations(), process: processDebug() }));
  app.notFound((c) => c.text("there are /livez, /readyz, /metrics, /status and /debug\n", 404));
  return app;
}

/** Neither arguments nor environment, which may hold secrets. */
function processDebug(): Record<string, unknown> {
  const { arch, platform, version, pid } = process;
  return {
    pid,
    node: version,
    platform,
    arch,
    uptimeSeconds: process.uptime(),
    memory: process.memoryUsage(),
    cpu: process.cpuUsage(),
    activeResources: countEach(process.getActiveResourcesInfo()),
  };
}

function countEach(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
