// The live page: static files, and the state of the run as server-sent events.

import { readFile } from "node:fs/promises";
import { serve, type ServerType } from "@hono/node-server";
import { Hono } from "hono";
import { streamSSE } from "hono/streaming";
import type { MemberStatus } from "@causalmesh/core";
import type { Second, SystemFigures } from "../figures.js";
import type { System } from "../systems.js";

/** What the page shows. */
export interface Snapshot {
  readonly state: "starting" | "running" | "done";
  readonly what: string;
  readonly seconds: number;
  readonly workflowsTotal: number;
  readonly members: readonly MemberStatus[];
  readonly systems: Readonly<Record<System, SystemFigures>>;
  readonly timeline: readonly Second[];
}

const PERIOD_MS = 500;
const FILES: Readonly<Record<string, readonly [file: string, type: string]>> = {
  "/": ["index.html", "text/html; charset=utf-8"],
  "/page.js": ["page.js", "text/javascript; charset=utf-8"],
  "/charts.js": ["charts.js", "text/javascript; charset=utf-8"],
  "/page.css": ["page.css", "text/css; charset=utf-8"],
};

export interface PageServer {
  readonly url: string;
  close(): void;
}

/** Says what to do. */
export class PortInUse extends Error {
  constructor(port: number) {
    super(`port ${port} is in use; give another with --port, such as --port ${port + 1}`);
  }
}

/** Serves the page on this machine. Rejects with PortInUse where the port is taken. */
export async function servePage(port: number, snapshot: () => Snapshot): Promise<PageServer> {
  const app = new Hono();
  for (const [path, [file, type]] of Object.entries(FILES)) {
    app.get(path, async (context) => context.body(await readFile(new URL(`../page/${file}`, import.meta.url), "utf8"), 200, { "content-type": type }));
  }
  app.get("/state", (context) => context.json(snapshot()));
  app.get("/events", (context) =>
    streamSSE(context, async (stream) => {
      while (!stream.aborted) {
        await stream.writeSSE({ data: JSON.stringify(snapshot()) });
        await stream.sleep(PERIOD_MS);
      }
    }),
  );
  const server = await new Promise<ServerType>((resolve, reject) => {
    const starting = serve({ fetch: app.fetch, port, hostname: "127.0.0.1" }, () => resolve(starting));
    starting.once("error", (error: NodeJS.ErrnoException) => {
      reject(error.code === "EADDRINUSE" ? new PortInUse(port) : error);
    });
  });
  const address = server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${address.port}`,
    close: () => {
      server.close();
      if ("closeAllConnections" in server) server.closeAllConnections();
    },
  };
}
