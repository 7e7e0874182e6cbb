// Sessions over HTTP against the whole Mesh contract: the same suite that an embedded mesh and one over TCP pass.

import { sessionSuite } from "@causalmesh/conformance";
import { createMesh, type Mesh } from "@causalmesh/core";
import { memoryStore } from "@causalmesh/adapter-memory";
import { afterAll, beforeAll, describe, it } from "vitest";
import { connectHttp } from "../src/index.js";
import { serveHttp, type HttpServer } from "../src/node.js";
import { apiKeys, KEYS, secret } from "./support/front.js";

describe("a mesh over HTTP", () => {
  let mesh: Mesh;
  let servers: HttpServer[];

  beforeAll(async () => {
    mesh = await createMesh({ nodes: 3, store: memoryStore(), secret });
    servers = await Promise.all(["node-1", "node-2", "node-3"].map((node) => serveHttp(mesh, { node, apiKeys })));
  });

  afterAll(async () => {
    await Promise.all(servers.map((server) => server.close()));
    await mesh.close();
  });

  const suite = sessionSuite({ open: async () => connectHttp({ url: servers.map(({ url }) => url), namespace: "shop", apiKey: KEYS.admin }) });
  for (const { name, run } of suite) it(name, run);
});
