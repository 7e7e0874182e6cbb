// Releases that differ in one mesh. The other release is this one, built, with another number in it: what is tried is what two releases do that change nothing else.

import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { lmdbStore } from "@causalmesh/adapter-lmdb";
import * as thisRelease from "@causalmesh/core";
import { readView, WIRE_VERSION, type Connection, type ConnectionEvents, type RunningNode, type Store, type Transport } from "@causalmesh/core";
import { describe, expect, it, onTestFinished } from "vitest";
import { tcpTransport } from "../src/index.js";

const CORE = fileURLToPath(new URL("../../../core/dist", import.meta.url));
const SECRET = "the secret of this test's mesh";
/** Long enough that nobody takes a mesh over within a test. */
const PATIENT = { suspectMsMin: 1_000, suspectMsMax: 2_000, takeOverMs: 600_000 };

/** The core as a release that speaks this version would be built. */
async function release(version: number): Promise<typeof thisRelease> {
  const folder = mkdtempSync(join(tmpdir(), "causalmesh-release-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  cpSync(CORE, folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), '{"type":"module"}');
  const changed = readdirSync(folder).filter((name) => {
    if (!name.endsWith(".js")) return false;
    const text = readFileSync(join(folder, name), "utf8");
    const other = text.replace(/\bWIRE_VERSION = \d+;/, `WIRE_VERSION = ${version};`);
    writeFileSync(join(folder, name), other);
    return other !== text;
  });
  // A folder that was built over has more than one.
  expect(changed.length).toBeGreaterThan(0);
  const core = (await import(pathToFileURL(join(folder, "index.js")).href)) as typeof thisRelease;
  expect(core.WIRE_VERSION).toBe(version);
  return core;
}

class Mixed {
  readonly store: Store;
  readonly warnings: string[] = [];

  constructor() {
    const path = mkdtempSync(join(tmpdir(), "causalmesh-versions-"));
    this.store = lmdbStore({ path });
    onTestFinished(async () => {
      await this.store.close();
      rmSync(path, { recursive: true, force: true });
    });
  }

  async start(core: typeof thisRelease): Promise<RunningNode> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.close();
    await once(server, "close");
    const onWarning = (warning: string): void => void this.warnings.push(warning);
    const node = await core.startNode({ store: this.store, transport: tcpTransport(), address, secret: SECRET, suspicion: PATIENT, onWarning });
    onTestFinished(() => node.close().catch(() => undefined));
    return node;
  }

  async members(): Promise<number> {
    return (await readView(this.store))!.members.length;
  }
}

describe("versions one apart", () => {
  it.each([-1, 1])("run in one mesh (%i), and clients of both roam over all of its nodes", async (difference) => {
    const other = await release(WIRE_VERSION + difference);
    const mixed = new Mixed();
    const nodes = [await mixed.start(thisRelease), await mixed.start(other), await mixed.start(thisRelease), await mixed.start(other)];
    for (const core of [thisRelease, other]) {
      const mesh = await core.connectMesh({ nodes: nodes.map(({ address }) => address), secret: SECRET }, tcpTransport());
      let token: string | undefined;
      for (const [index, { address }] of nodes.entries()) {
        const session = mesh.session(token, { node: address });
        if (index > 0) expect(await session.get("k")).toBe(index - 1);
        await session.set("k", index, { durability: index === 0 ? "everywhere" : undefined });
        expect(session.node).toBe(address);
        token = await session.token();
      }
      const { members } = await mesh.status();
      expect(members.map(({ protocol }) => protocol).sort()).toEqual([WIRE_VERSION, WIRE_VERSION, WIRE_VERSION + difference, WIRE_VERSION + difference].sort());
      await mesh.close();
    }
    await nodes[0].close();
    expect(await mixed.members()).toBe(3);
    expect(mixed.warnings).toEqual([]);
  });
});

describe("versions further apart", () => {
  it.each([-2, 2])("do not run in one mesh (%i): who would join is refused with both numbers, and the mesh goes on", async (difference) => {
    const other = await release(WIRE_VERSION + difference);
    const mixed = new Mixed();
    const nodes = [await mixed.start(thisRelease), await mixed.start(thisRelease)];
    const both = new RegExp(`(${WIRE_VERSION} .*${WIRE_VERSION + difference}|${WIRE_VERSION + difference} .*${WIRE_VERSION})\\b.*update the older one`);
    await expect(mixed.start(other)).rejects.toMatchObject({ code: "PROTOCOL_VERSION", message: expect.stringMatching(both) });
    await expect.poll(() => mixed.warnings).toContainEqual(expect.stringMatching(both));
    const addresses = nodes.map(({ address }) => address);
    await expect(other.connectMesh({ nodes: addresses, secret: SECRET }, tcpTransport())).rejects.toMatchObject({
      code: "PROTOCOL_VERSION",
      message: expect.stringMatching(both),
    });
    expect(await mixed.members()).toBe(2);
    const mesh = await thisRelease.connectMesh({ nodes: addresses, secret: SECRET }, tcpTransport());
    await mesh.session().set("k", 1);
    await mesh.close();
  });
});

describe("whoever stands between two ends", () => {
  it("cannot make them speak an older version: the proof of the secret covers what both have said", async () => {
    const mixed = new Mixed();
    const node = await mixed.start(thisRelease);
    const open = (transport: Transport) => thisRelease.connectMesh({ nodes: [node.address], secret: SECRET }, transport);
    await (await open(changing(tcpTransport(), 0))).close();
    await expect(open(changing(tcpTransport(), -1))).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
  });
});

/** Changes the version that the opener says, by so much, in its first frame: behind ten bytes of head and four of the magic number. */
function changing(inner: Transport, difference: number): Transport {
  return {
    listen: inner.listen,
    connect: async (address, open, timeoutMs) => {
      const tap = (connection: Connection): ConnectionEvents => {
        let isFirst = true;
        return open({
          get remote() {
            return connection.remote;
          },
          get buffered() {
            return connection.buffered;
          },
          send: (bytes) => {
            const sent = bytes.slice();
            if (isFirst) sent[14] += difference;
            isFirst = false;
            return connection.send(sent);
          },
          pause: () => connection.pause(),
          resume: () => connection.resume(),
          close: () => connection.close(),
        });
      };
      return await inner.connect(address, tap, timeoutMs);
    },
  };
}
