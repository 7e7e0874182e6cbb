// The settings of a node by the environment alone, as containers give them.

import { describe, expect, it } from "vitest";
import { createContext } from "../src/command-context.js";
import { resolveOptions } from "../src/commands/node.js";
import { temporaryFolder } from "./folder.js";
import { testTerminal } from "./terminal.js";

const ENV = {
  CAUSALMESH_STORE: "memory:",
  CAUSALMESH_SECRET: "a secret of this very test",
  CAUSALMESH_LISTEN: "0.0.0.0:7400",
  CAUSALMESH_ADVERTISE: "pod-0.nodes:7400",
  CAUSALMESH_ADMIN: "127.0.0.1:9400",
  CAUSALMESH_CACHE_BYTES: "2097152",
  CAUSALMESH_GRACE: "25s",
  CAUSALMESH_MONITOR: "http://127.0.0.1:7490",
};

describe("node start", () => {
  it("takes its settings from the environment, before the configuration file and behind flags", async () => {
    const cwd = temporaryFolder({
      "causalmesh.config.json": '{"node":{"listen":"127.0.0.1:1","admin":"127.0.0.1:2","cacheBytes":3000000,"grace":"3s","monitor":"http://monitor:7490"}}',
    });
    const options = async (env: Record<string, string>, flags: object) => resolveOptions(flags, await createContext({}, testTerminal({ cwd, env })));
    expect(await options(ENV, {})).toMatchObject({
      listen: { host: "0.0.0.0", port: 7400 },
      advertise: { host: "pod-0.nodes", port: 7400 },
      admin: { host: "127.0.0.1", port: 9400 },
      cacheBytes: 2_097_152,
      graceMs: 25_000,
      monitor: "http://127.0.0.1:7490",
    });
    expect(await options(ENV, { listen: "127.0.0.1:5", admin: false, grace: "1s", cacheBytes: "1048576" })).toMatchObject({
      listen: { host: "127.0.0.1", port: 5 },
      admin: undefined,
      cacheBytes: 1_048_576,
      graceMs: 1_000,
    });
    expect(await options({ CAUSALMESH_STORE: "memory:" }, {})).toMatchObject({
      listen: { host: "127.0.0.1", port: 1 },
      cacheBytes: 3_000_000,
      graceMs: 3_000,
      monitor: "http://monitor:7490",
    });
    await expect(options(ENV, { monitor: "monitor:7490" })).rejects.toMatchObject({ code: "ADDRESS_INVALID" });
  });
});
