// TLS between nodes and for clients: who is let in, whom a client trusts, and certificates that are replaced while a mesh runs.

import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { connect as connectSocket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { memoryStore } from "@causalmesh/adapter-memory";
import { formMesh, startNode, type Mesh, type RunningNode } from "@causalmesh/core";
import { certificate, type KeyPair } from "@causalmesh/test-servers";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { connect, tcpTransport, tlsFiles, type ConnectOptions, type TlsOptions, type TlsSource } from "../src/index.js";
import { freeAddresses } from "./support/free-addresses.js";

const secret = "the secret of this test's mesh";

let ca: KeyPair;
let otherCa: KeyPair;
let good: KeyPair;
let next: KeyPair;
let expired: KeyPair;
let foreign: KeyPair;

beforeAll(async () => {
  [ca, otherCa] = await Promise.all([certificate({ toDays: 10 }), certificate({ toDays: 11 })]);
  [good, next, expired, foreign] = await Promise.all([
    certificate({ ca }),
    certificate({ ca, toDays: 2 }),
    certificate({ ca, fromDays: -2, toDays: -1 }),
    certificate({ ca: otherCa }),
  ]);
});

const mutual = (pair: KeyPair): TlsOptions => ({ ...pair, ca: ca.cert, requestCert: true });

/** Nodes that speak TLS, in the order of the ring, stopped when the test ends. */
async function nodesWith(tls: readonly TlsSource[], options: { secret?: string } = { secret }): Promise<string[]> {
  const store = memoryStore();
  const { members } = await formMesh(store, await freeAddresses(tls.length));
  const nodes: RunningNode[] = await Promise.all(
    members.map(({ address, replica }, index) => startNode({ store, transport: tcpTransport({ tls: tls[index] }), address, replica, ...options })),
  );
  onTestFinished(async () => {
    await Promise.all(nodes.map((node) => node.close()));
    await store.close();
  });
  return members.map(({ address }) => address);
}

async function client(nodes: readonly string[], tls: TlsSource | undefined, options: Partial<ConnectOptions> = {}): Promise<Mesh> {
  const mesh = await connect({ nodes, secret, tls, timeoutMs: 20_000, ...options });
  onTestFinished(() => mesh.close());
  return mesh;
}

/** The certificate that is shown at an address, by its fingerprint. */
function shownAt(address: string): Promise<string> {
  const [host, port] = address.split(":");
  return new Promise((resolve, reject) => {
    const socket: TLSSocket = connectTls({ host, port: Number(port), ...good, ca: ca.cert }, () => {
      resolve(socket.getPeerCertificate().fingerprint256);
      socket.destroy();
    });
    socket.on("error", reject);
  });
}

describe("a mesh over mutual TLS", () => {
  it("serves sessions at every node, and values of every size, also without a secret", async () => {
    for (const options of [{ secret }, {}]) {
      const addresses = await nodesWith([mutual(good), mutual(next), mutual(good)], options);
      const mesh = await client([`meshs://${addresses[0]}`], { ...next, ca: ca.cert }, { ...options, secret: options.secret });
      expect((await mesh.status()).members.map(({ address }) => address).sort()).toEqual([...addresses].sort());
      const session = mesh.session();
      await session.set("large", "x".repeat(1_000_000), { durability: "everywhere" });
      for (let number = 0; number < 50; number++) await session.set(`k${number}`, number, { durability: "memory" });
      const token = await session.token();
      for (const node of addresses) {
        const there = mesh.session(token, { node });
        expect(await there.get<string>("large")).toHaveLength(1_000_000);
        expect(await there.getMany(["k0", "k49"])).toEqual([0, 49]);
      }
    }
  });

  it("lets nobody in who has no certificate, an expired one, one of another authority, or none but its own, and serves others meanwhile", async () => {
    const [address] = await nodesWith([mutual(good)]);
    const honest = await client([address], { ...next, ca: ca.cert });
    const session = honest.session();
    const strangers: [what: string, tls: TlsSource | undefined][] = [
      ["no TLS", undefined],
      ["no certificate", { ca: ca.cert }],
      ["an expired one", { ...expired, ca: ca.cert }],
      ["another authority's", { ...foreign, ca: ca.cert }],
      ["its own", { ...(await certificate()), ca: ca.cert }],
    ];
    for (const [number, [what, tls]] of strangers.entries()) {
      await expect(client([address], tls), what).rejects.toMatchObject({ code: expect.stringMatching(/^(UNAUTHENTICATED|NODE_UNREACHABLE)$/) });
      await session.set("k", number);
      expect(await session.get("k")).toBe(number);
    }
    await expect(client([address], { ca: ca.cert })).rejects.toMatchObject({ code: "UNAUTHENTICATED", retryable: true });
    // A good certificate is not enough where the mesh has a secret.
    await expect(client([address], { ...next, ca: ca.cert }, { secret: "another secret of the tests" })).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
  });

  it("survives garbage in place of a TLS handshake, and handshakes that are never finished", async () => {
    const [address] = await nodesWith([mutual(good)]);
    const [host, port] = address.split(":");
    const ended = [Buffer.from("GET / HTTP/1.1\r\n\r\n"), Buffer.alloc(100_000, 7), Buffer.alloc(0)].map(
      (bytes) =>
        new Promise((resolve) => {
          const socket = connectSocket({ host, port: Number(port) }, () => socket.write(bytes));
          socket.on("error", () => undefined).on("close", resolve);
        }),
    );
    const mesh = await client([address], { ...next, ca: ca.cert });
    await mesh.session().set("k", 1);
    await Promise.all(ended);
    expect(await mesh.session().get("k")).toBe(1);
  });
});

describe("a client", () => {
  it("trusts no node whose certificate is expired, of another authority, or for another name, and tells what to look at", async () => {
    const named = await certificate({ ca, name: "mesh.example" });
    for (const [pair, cause] of [
      [expired, "CERT_HAS_EXPIRED"],
      [foreign, "UNABLE_TO_VERIFY_LEAF_SIGNATURE"],
      [named, "ERR_TLS_CERT_ALTNAME_INVALID"],
    ] as const) {
      const [address] = await nodesWith([{ ...pair }]);
      await expect(client([address], { ca: ca.cert })).rejects.toMatchObject({ code: "UNAUTHENTICATED", message: expect.stringContaining(cause) });
      await expect(client([`meshs://${address}`], undefined)).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
    }
    const [address] = await nodesWith([{ ...named }]);
    expect(await (await client([address], { ca: ca.cert, servername: "mesh.example" })).session().get("k")).toBeUndefined();
  });

  it("goes to another node where one has a certificate that is not good any more", async () => {
    const [first] = await nodesWith([{ ...expired }]);
    const [second] = await nodesWith([{ ...good }]);
    const mesh = await client([first, second], { ca: ca.cert });
    const session = mesh.session(undefined, { node: first });
    expect(await session.get("k")).toBeUndefined();
    expect(session.node).toBe(second);
  });

  it("speaks TLS where an address says so, and only there", async () => {
    const [address] = await nodesWith([{ ...good }]);
    await expect(client([`mesh://${address}`], { ca: ca.cert })).rejects.toMatchObject({
      code: "ADDRESS_INVALID",
      message: expect.stringContaining("meshs://"),
    });
    await expect(client([`meshs://${address}`, `mesh://${address}`], undefined)).rejects.toMatchObject({ code: "ADDRESS_INVALID" });
    await expect(tcpTransport().listen(`meshs://${address}`, () => undefined as never)).rejects.toMatchObject({ code: "ADDRESS_INVALID" });
    expect(await (await client([`meshs://${address}`], { ca: ca.cert })).session().get("k")).toBeUndefined();
  });

  it("and a node with options that do not fit are refused before anything is sent", async () => {
    for (const tls of [
      5,
      null,
      { cert: "no certificate", key: "no key" },
      { cert: good.cert, key: next.key },
      { cert: good.cert },
      { ...good, requestCert: true },
    ])
      await expect(client(["127.0.0.1:1"], tls as TlsOptions), JSON.stringify(tls)).rejects.toMatchObject({ code: "OPTION_INVALID" });
    const nothing = (): never => undefined as never;
    await expect(tcpTransport({ tls: { ca: ca.cert } }).listen("127.0.0.1:0", nothing)).rejects.toMatchObject({ code: "OPTION_INVALID" });
  });
});

describe("certificates in files", () => {
  function files(pair: KeyPair, authority: string): { readonly paths: { cert: string; key: string; ca: string }; write(name: string, text: string): void } {
    const folder = mkdtempSync(join(tmpdir(), "causalmesh-tls-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const write = (name: string, text: string): void => {
      writeFileSync(join(folder, `${name}.next`), text);
      renameSync(join(folder, `${name}.next`), join(folder, name));
    };
    for (const [name, text] of Object.entries({ ...pair, ca: authority })) write(name, text);
    return { paths: { cert: join(folder, "cert"), key: join(folder, "key"), ca: join(folder, "ca") }, write };
  }

  it("take the place of others, and of another authority, while nodes and clients run: connections that are open go on", async () => {
    const { paths, write } = files(good, ca.cert);
    const told: (string | undefined)[] = [];
    const [address] = await nodesWith([tlsFiles(paths, { requestCert: true }, (error) => told.push(error?.message))]);
    const mesh = await client([address], { ...next, ca: ca.cert });
    const session = mesh.session();
    const before = await shownAt(address);
    const goesOn = async (value: number): Promise<void> => {
      await session.set("k", value);
      expect(await session.get("k")).toBe(value);
    };

    // Between the two files the pair does not fit.
    write("cert", next.cert);
    await expect.poll(async () => (await shownAt(address), told.length), { timeout: 20_000 }).toBe(1);
    expect([await shownAt(address), told[0]]).toEqual([before, expect.stringContaining("tls cannot be used")]);
    write("key", next.key);
    await expect.poll(() => shownAt(address), { timeout: 20_000 }).not.toBe(before);
    expect(told[1]).toBeUndefined();
    await goesOn(1);

    // Both authorities, then the new one alone.
    await expect(client([address], { ...foreign, ca: ca.cert })).rejects.toMatchObject({ code: expect.stringMatching(/UN/) });
    write("ca", `${ca.cert}\n${otherCa.cert}`);
    await expect
      .poll(
        async () =>
          await client([address], { ...foreign, ca: ca.cert }).then(
            () => "in",
            () => "out",
          ),
        { timeout: 20_000 },
      )
      .toBe("in");
    await goesOn(2);
    write("ca", otherCa.cert);
    await expect
      .poll(
        async () =>
          await client([address], { ...next, ca: ca.cert }).then(
            () => "in",
            () => "out",
          ),
        { timeout: 20_000 },
      )
      .toBe("out");
    await goesOn(3);
  }, 60_000);

  it("that are wrong at the beginning are refused, with the name of the file", () => {
    const { paths, write } = files(good, ca.cert);
    expect(() => tlsFiles({ ...paths, ca: join(tmpdir(), "nowhere", "ca") })).toThrow("nowhere");
    write("key", next.key);
    expect(() => tlsFiles(paths)).toThrow(expect.objectContaining({ code: "OPTION_INVALID" }));
  });
});
