// The admin port of a node: for orchestrators, Prometheus and people. It shows no keys and no values, and changes nothing.

import type { Server } from "node:http";
import { createAdaptorServer } from "@hono/node-server";
import { MeshError, type MemberStatus } from "@causalmesh/core";
import { Hono } from "hono";
import { formatHostPort, type HostPort } from "./address.js";
import { formatMetrics, METRICS_CONTENT_TYPE, processNumbers } from "./metrics.js";

/** What a stranger may hold of a port that orchestrators and Prometheus ask a few times a minute. */
const LIMITS = { headersTimeout: 5_000, requestTimeout: 10_000, connectionsCheckingInterval: 1_000 };
const CONNECTIONS_MAX = 256;

export interface AdminOptions {
  readonly address: HostPort;
  status(): MemberStatus;
  /** Whether the node takes sessions: false from the moment it stops. */
  ready(): boolean;
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
export function adminApp({ status, ready }: Pick<AdminOptions, "status" | "ready">): Hono {
  const app = new Hono();
  app.get("/livez", (c) => c.text("ok\n"));
  app.get("/readyz", (c) => (ready() ? c.text("ok\n") : c.text("stopping\n", 503)));
  app.get("/metrics", (c) => c.body(formatMetrics(status(), processNumbers()), 200, { "content-type": METRICS_CONTENT_TYPE }));
  app.get("/status", (c) => c.json(status()));
  app.notFound((c) => c.text("there are /livez, /readyz, /metrics and /status\n", 404));
  return app;
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
