// What doctor says of releases, of certificates and of ports.

import { createServer, type AddressInfo } from "node:net";
import { once } from "node:events";
import { createServer as createTlsServer } from "node:tls";
import { VERSION, WIRE_VERSION } from "@causalmesh/core";
import { certificate, type KeyPair } from "@causalmesh/test-servers";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { checkCertificates } from "../src/doctor/certificate-checks.js";
import { checkVersions } from "../src/doctor/version-check.js";
import { run } from "../src/index.js";
import { takePorts } from "../src/ports.js";
import { resolveSettings } from "../src/settings.js";
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

describe("certificates", () => {
  const DAY_MS = 24 * 60 * 60 * 1_000;
  let ca: KeyPair;
  let pair: KeyPair;
  let other: KeyPair;
  beforeAll(async () => {
    ca = await certificate({ toDays: 300 });
    [pair, other] = await Promise.all([certificate({ ca, toDays: 30 }), certificate({ ca, toDays: 30 })]);
  });

  async function found(files: Record<string, string>, addresses: readonly string[] = [], inDays = 0) {
    const cwd = temporaryFolder(files);
    const terminal = testTerminal({ cwd });
    const settings = await resolveSettings({ config: false, tlsCa: "ca.pem", tlsCert: "node.pem", tlsKey: "node.key", timeout: "2s" }, terminal);
    const checks = await checkCertificates(settings, addresses, Date.now() + inDays * DAY_MS);
    return Object.fromEntries(checks.map(({ check, status, detail }) => [check, `${status}: ${detail.replaceAll(`${cwd}/`, "")}`]));
  }

  it("hold for some time yet, or are to be renewed", async () => {
    const files = { "ca.pem": ca.cert, "node.pem": pair.cert, "node.key": pair.key };
    const at = async (days: number): Promise<string> => (await found(files, [], days)).certificate;
    expect(await at(0)).toMatch(/^ok: node\.pem holds for (29|30) days$/);
    expect(await at(25)).toMatch(/^ok: node\.pem holds for [45] days$/);
    expect(await at(28)).toMatch(/^failed: node\.pem ends at .*, in 4[78] hours|2 days$/);
    expect(await at(31)).toMatch(/^failed: node\.pem ended at /);
    expect(await at(-900)).toMatch(/^failed: node\.pem holds from .* on$/);
    expect((await found(files))["certificate of the authority"]).toMatch(/^ok: ca\.pem holds for (299|300) days$/);
  });

  it("belong to their keys, and are what they should be", async () => {
    expect((await found({ "ca.pem": ca.cert, "node.pem": pair.cert, "node.key": other.key })).certificate).toBe(
      "failed: node.pem is not the certificate of the key node.key",
    );
    const stranger = await certificate({ toDays: 300 });
    expect((await found({ "ca.pem": stranger.cert, "node.pem": pair.cert, "node.key": pair.key })).certificate).toBe(
      "failed: node.pem is of none of the authorities in ca.pem",
    );
    expect((await found({ "ca.pem": "no certificate", "node.pem": pair.cert, "node.key": pair.key }))["certificate of the authority"]).toMatch(
      /^failed: ca\.pem cannot be read/,
    );
  });

  it("are looked at where nodes show them too", async () => {
    const server = createTlsServer({ cert: pair.cert, key: pair.key }).listen(0, "127.0.0.1");
    onTestFinished(() => void server.close());
    await once(server, "listening");
    const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const [free] = await takePorts("127.0.0.1", 0, 1, "--port");
    const files = { "ca.pem": ca.cert, "node.pem": pair.cert, "node.key": pair.key };
    const all = await found(files, [address, `127.0.0.1:${free}`]);
    expect(all[`certificate of ${address}`]).toMatch(/^ok: what it shows holds for (29|30) days$/);
    expect(all[`certificate of 127.0.0.1:${free}`]).toMatch(/^failed: it shows none \(.*ECONNREFUSED/);
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
