// The admin port of a node: for orchestrators, Prometheus and people. It shows no keys and no values, and changes nothing.

import type { Server } from "node:http";
import { createAdaptorServer } from "@hono/node-server";
import { MeshError, type RunningNode } from "@causalmesh/core";
import { Hono } from "hono";
import { formatHostPort, type HostPort } from "./address.js";
import { formatMetrics, METRICS_CONTENT_TYPE, processNumbers } from "./metrics.js";

/** What a stranger may hold of a port that orchestrators and Prometheus ask a few times a minute. */
const LIMITS = { headersTimeout: 5_000, requestTimeout: 10_000, connectionsCheckingInterval: 1_000 };
const CONNECTIONS_MAX = 256;

export interface AdminOptions {
  readonly address: HostPort;
  readonly node: Pick<RunningNode, "status" | "durations" | "debug">;
  /** Whether the node has been told to stop. */
  isStopping(): boolean;
}

export interface Admin {
  readonly url: string;
  close(): Promise<void>;
}

export async function startAdmin(options: AdminOptions): Promise<Admin> {
  const server = createAdaptorServer({ fetch: adminApp(options).fetch, serverOptions: LIMITS }) as Server;
  server.maxConnections = CONNECTIONS_MAX;
  const port = await listen(server, options.address);
  return {
    url: `http://${formatHostPort({ host: options.address.host, port })}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
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

function listen(server: Server, { host, port }: HostPort): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const address = formatHostPort({ host, port });
      const [code, what] =
        error.code === "EADDRINUSE"
          ? (["ADDRESS_IN_USE", "is in use by another program"] as const)
          : (["ADDRESS_INVALID", `cannot be listened on (${error.code})`] as const);
      reject(new MeshError(code, `the admin address ${address} ${what}; choose another with --admin`, { cause: error }));
    });
    server.listen(port, host, () => resolve((server.address() as { port: number }).port));
  });
}
