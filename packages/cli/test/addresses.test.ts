// Nodes that listen at another address than the one at which others reach them.

import { describe, expect, it } from "vitest";
import { takePorts } from "../src/ports.js";
import { kv, started } from "./program.js";

describe("a mesh on all interfaces", () => {
  it("is reached, by its nodes too, at the address that this machine has for itself", async () => {
    const { nodes } = await started("dev", "--nodes", "2", "--host", "0.0.0.0", "--port", "0", "--store", "lmdb:./data");
    expect(nodes.every((node) => /^mesh:\/\/127\.0\.0\.1:\d+$/.test(node))).toBe(true);
    const session = await kv("set", "k", "1", "--durability", "everywhere", "--url", nodes[0]);
    expect(await kv("get", "k", "--session", session, "--url", nodes[1])).toBe("1");
  });

  it("has the advertised address in its view", async () => {
    const [port] = await takePorts("127.0.0.1", 0, 1, "--listen");
    const { nodes } = await started("node", "start", "--store", "memory:", "--listen", `0.0.0.0:${port}`, "--advertise", `localhost:${port}`);
    expect(nodes).toEqual([`mesh://localhost:${port}`]);
    await kv("set", "k", "1", "--durability", "stored", "--url", `mesh://127.0.0.1:${port}`);
  });
});
