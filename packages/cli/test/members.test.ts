// Nodes of the command line that come and go: each is a process that joins the mesh on its store, and leaves it or is killed.

import { describe, expect, it } from "vitest";
import { temporaryFolder } from "./folder.js";
import { kv, started, type Started } from "./program.js";

describe("node start", () => {
  it("joins the mesh on its store; sessions go on when a node is killed, starts again, and leaves, and from the store when all have ended", async () => {
    const store = `lmdb:${temporaryFolder()}`;
    const node = (): Promise<Started> => started("node", "start", "--store", store, "--listen", "127.0.0.1:0", "--no-admin");
    const a = await node();
    const b = await node();
    const session = await kv("set", "k", "1", "--url", a.nodes[0]);
    expect(await kv("get", "k", "--session", session, "--url", b.nodes[0])).toBe("1");
    await a.end("SIGKILL");
    // The one that is left goes on alone, and `replicated` means the store then.
    const later = await kv("set", "k", "2", "--session", session, "--url", b.nodes[0]);
    const c = await node();
    expect(await kv("get", "k", "--session", later, "--url", c.nodes[0])).toBe("2");
    expect(await b.end("SIGTERM")).toBe(0);
    const last = await kv("set", "k", "3", "--session", later, "--url", c.nodes[0]);
    expect(await c.end("SIGTERM")).toBe(0);
    const d = await node();
    expect(await kv("get", "k", "--session", last, "--url", d.nodes[0])).toBe("3");
  }, 60_000);
});
