// What doctor says of releases and of ports.

import { createServer, type AddressInfo } from "node:net";
import { once } from "node:events";
import { VERSION, WIRE_VERSION } from "@causalmesh/core";
import { describe, expect, it, onTestFinished } from "vitest";
import { checkVersions } from "../src/doctor/version-check.js";
import { run } from "../src/index.js";
import { takePorts } from "../src/ports.js";
import { temporaryFolder } from "./folder.js";
import { runningNodes } from "./mesh.js";
import { MEMBER } from "./status.js";
import { testTerminal } from "./terminal.js";

describe("versions", () => {
  const member = (address: string, version: string, protocol = WIRE_VERSION) => ({ ...MEMBER, address, version, protocol });

  it("are one, or two while the mesh is being updated", () => {
    expect(checkVersions([member("a:1", VERSION), member("b:1", VERSION)])).toMatchObject({ status: "ok", detail: `all run ${VERSION}, as this program does` });
    expect(checkVersions([member("a:1", "9.0.0")])).toMatchObject({ status: "ok", detail: `all run 9.0.0; this program is ${VERSION}` });
    expect(checkVersions([member("a:1", VERSION), member("b:1", "9.1.0", WIRE_VERSION + 1)])).toMatchObject({
      status: "ok",
      detail: `${VERSION} on a:1; 9.1.0 on b:1: fine while the mesh is being updated`,
    });
  });

  it("may not be further apart, from each other or from this program", () => {
    for (const members of [[member("a:1", "8.0.0", WIRE_VERSION - 1), member("b:1", "9.0.0", WIRE_VERSION + 1)], [member("a:1", "9.0.0", WIRE_VERSION + 2)]])
      expect(checkVersions(members)).toMatchObject({
        status: "failed",
        detail: expect.stringContaining("2 apart"),
        advice: expect.stringContaining("in turn"),
      });
    expect(checkVersions([])).toMatchObject({ status: "skipped" });
  });
});

describe("ports of the configuration file", () => {
  async function ports(node: object, url: string): Promise<Record<string, { status: string; detail: string }>> {
    const terminal = testTerminal({ cwd: temporaryFolder({ "causalmesh.config.json": JSON.stringify({ node }) }) });
    await run(["doctor", "--json", "--timeout", "1s", "--url", url], terminal);
    const lines = terminal
      .out()
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { check: string; status: string; detail: string });
    return Object.fromEntries(lines.filter(({ check }) => check.startsWith("port ")).map((line) => [line.check.slice("port ".length), line]));
  }

  it("are free, the mesh's own, or somebody else's", async () => {
    const [node] = await runningNodes(1);
    const [free] = await takePorts("127.0.0.1", 0, 1, "--port");
    const other = createServer().listen(0, "127.0.0.1");
    onTestFinished(() => void other.close());
    await once(other, "listening");
    const taken = `127.0.0.1:${(other.address() as AddressInfo).port}`;
    const url = `mesh://${node.address}`;
    expect(await ports({ listen: `127.0.0.1:${free}`, admin: "127.0.0.1:0" }, url)).toEqual({
      [`127.0.0.1:${free}`]: { check: `port 127.0.0.1:${free}`, status: "ok", detail: "free for node.listen" },
    });
    expect(await ports({ listen: node.address }, url)).toMatchObject({ [node.address]: { status: "ok", detail: "a node of the mesh listens there" } });
    expect(await ports({ listen: taken }, url)).toMatchObject({ [taken]: { status: "failed", detail: "in use by another program" } });
    expect(await ports({ listen: "192.0.2.1:7400" }, url)).toMatchObject({
      "192.0.2.1:7400": { status: "failed", detail: expect.stringContaining("EADDRNOTAVAIL") },
    });
    expect(await ports({}, url)).toEqual({});
  });
});
