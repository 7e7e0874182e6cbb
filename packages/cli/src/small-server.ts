// A small HTTP server for a few routes that operators and their tools ask: bounds for strangers, and errors of its address.

import type { Server } from "node:http";
import { createAdaptorServer } from "@hono/node-server";
import { MeshError } from "@causalmesh/core";
import type { Hono } from "hono";
import { formatHostPort, type HostPort } from "./address.js";

/** What a stranger may hold of a port that orchestrators and Prometheus ask a few times a minute. */
const LIMITS = { headersTimeout: 5_000, requestTimeout: 10_000, connectionsCheckingInterval: 1_000 };
const CONNECTIONS_MAX = 256;

export interface SmallServer {
  readonly url: string;
  close(): Promise<void>;
}

/** How messages call its address, and the flag that sets it. */
export interface ServerName {
  readonly name: string;
  readonly flag: string;
}

export async function serveApp(app: Hono, address: HostPort, called: ServerName): Promise<SmallServer> {
  const server = createAdaptorServer({ fetch: app.fetch, serverOptions: LIMITS }) as Server;
  server.maxConnections = CONNECTIONS_MAX;
  const port = await listen(server, address, called);
  return {
    url: `http://${formatHostPort({ host: address.host, port })}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, { host, port }: HostPort, { name, flag }: ServerName): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const address = formatHostPort({ host, port });
      const [code, what] =
        error.code === "EADDRINUSE"
          ? (["ADDRESS_IN_USE", "is in use by another program"] as const)
          : (["ADDRESS_INVALID", `cannot be listened on (${error.code})`] as const);
      reject(new MeshError(code, `the ${name} ${address} ${what}; choose another with ${flag}`, { cause: error }));
    });
    server.listen(port, host, () => resolve((server.address() as { port: number }).port));
  });
}
