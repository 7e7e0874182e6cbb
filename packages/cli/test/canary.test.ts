// The canary beside a node: what it is told reaches the monitor, from several nodes, and a node that lacks a rule is found out by it.

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { memoryStore } from "@causalmesh/adapter-memory";
import { formMesh, startNode } from "@causalmesh/core";
import { MUTATIONS, startMutant } from "@causalmesh/core/testing";
import { freePort } from "@causalmesh/test-servers";
import { tcpTransport } from "@causalmesh/transport-tcp";
import { describe, expect, it, onTestFinished } from "vitest";
import { EXIT } from "../src/index.js";
import { createLog } from "../src/log.js";
import { startCanary } from "../src/monitor/canary.js";
import { temporaryFolder } from "./folder.js";
import { listeningMonitor, until } from "./monitors.js";
import { SECRET, started } from "./program.js";

describe("a node with --monitor", () => {
  it("tells the monitor what it is answered at all nodes, and stops at once when it is told to", async () => {
    const monitor = await listeningMonitor();
    const store = `lmdb:${join(temporaryFolder(), "store")}`;
    const node = (...args: string[]) => started("node", "start", "--store", store, "--listen", "127.0.0.1:0", "--no-admin", ...args);
    const [first, second] = [await node("--monitor", monitor.url), await node("--monitor", monitor.url)];
    // A walk of a mesh of two has 20 reads and 4 writes.
    await until(async () => (await monitor.metric("causalmesh_monitor_operations_total")) > 100);
    expect(await monitor.metric("causalmesh_violations_total")).toBe(0);
    expect(await second.end("SIGTERM")).toBe(EXIT.ok);
    expect(await monitor.end("SIGTERM")).toBe(EXIT.ok);
    // Without the monitor it goes on, says so once, and stops as before.
    await until(() => first.log().includes("the monitor takes no lines"));
    expect(await first.end("SIGTERM")).toBe(EXIT.ok);
    expect(first.log().split("the monitor takes no lines")).toHaveLength(2);
  });

  it("finds out a node that lets the last write to arrive win", async () => {
    const monitor = await listeningMonitor();
    const store = memoryStore();
    const { members } = await formMesh(store, [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`]);
    const lacking = MUTATIONS.find(({ name }) => name === "last-arrival")!;
    const nodes = await Promise.all(
      members.map((member, index) => {
        const options = { store, transport: tcpTransport(), ...member, secret: SECRET };
        return index === 1 ? startMutant(options, lacking) : startNode(options);
      }),
    );
    onTestFinished(async () => void (await Promise.allSettled(nodes.map((node) => node.close()))));
    const addresses = members.map(({ address }) => address);
    const log = createLog("silent", {});
    for (const node of addresses) {
      const canary = await startCanary({ url: monitor.url, node, members: () => addresses, secret: SECRET, tls: undefined, log });
      onTestFinished(() => canary.close());
    }
    await until(async () => (await monitor.metric("causalmesh_violations_total")) > 0);
    expect(readdirSync(monitor.evidence).length).toBeGreaterThan(0);
  });
});
