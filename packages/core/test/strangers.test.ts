// Connections that have not proved anything: how many a node waits for, and how much of its log they get.

import { describe, expect, it } from "vitest";
import { MeshError } from "../src/errors.js";
import { Strangers } from "../src/host/strangers.js";
import { REFUSALS_TOLD_PER_SECOND_MAX, STRANGERS_MAX } from "../src/limits.js";
import { systemPlatform } from "../src/embedded/platform.js";
import { cluster, until } from "./support/cluster.js";
import { RawClient } from "./support/raw-client.js";

describe("strangers", () => {
  it("are waited for in a bounded number: the oldest goes, who has proved itself does not count, and clients come in meanwhile", async () => {
    const nodes = await cluster({ nodes: 1, secret: "a secret of the tests" });
    const welcomed = await RawClient.welcomed(nodes.transport, "n1", { secret: "a secret of the tests" });
    const silent: RawClient[] = [];
    for (let count = 0; count < STRANGERS_MAX + 100; count++) silent.push(await RawClient.connect(nodes.transport, "n1"));
    await until(() => silent.filter(({ isClosed }) => isClosed).length >= 100);
    expect(silent.map(({ isClosed }) => isClosed)).toEqual(silent.map((_, index) => index < 100));
    expect(await silent[0].refusal()).toBe("NODE_UNREACHABLE");
    const mesh = await nodes.connect();
    await mesh.session().set("k", 1);
    expect(await mesh.session().get("k")).toBe(1);
    expect(welcomed.isClosed).toBe(false);
    expect(nodes.hosts[0].connections.size).toBeLessThanOrEqual(STRANGERS_MAX + 2);
    await until(() => silent.every(({ isClosed }) => isClosed));
  });

  it("that are refused are told of, so many a second, and of the others how many they were", () => {
    const warnings: string[] = [];
    let nowMs = 0;
    const clock = { ...systemPlatform.clock, monotonic: () => nowMs };
    const strangers = new Strangers(clock, (warning) => warnings.push(warning));
    for (let count = 0; count < 1000; count++) strangers.refused(`10.0.0.7:${count}`, new MeshError("UNAUTHENTICATED", "no proof"));
    expect(warnings).toHaveLength(REFUSALS_TOLD_PER_SECOND_MAX);
    nowMs += 1000;
    strangers.refused("10.0.0.8:1", new MeshError("PROTOCOL", "garbage"));
    expect(warnings.slice(-2)).toEqual([
      `${1000 - REFUSALS_TOLD_PER_SECOND_MAX} more connections were refused before that`,
      "10.0.0.8:1 was disconnected: PROTOCOL: garbage",
    ]);
    strangers.refused("10.0.0.8:1", new MeshError("NODE_UNREACHABLE", "it is joining"));
    expect(warnings).toHaveLength(REFUSALS_TOLD_PER_SECOND_MAX + 2);
  });
});
