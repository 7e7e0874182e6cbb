// TLS on the command line: nodes, clients, the HTTP front, and certificates that are replaced while a node runs.

import { readFileSync, writeFileSync } from "node:fs";
import { get } from "node:https";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { certificate, type KeyPair } from "@causalmesh/test-servers";
import { beforeAll, describe, expect, it } from "vitest";
import { EXIT, run } from "../src/index.js";
import { temporaryFolder } from "./folder.js";
import { kv, started, type Started } from "./program.js";
import { testTerminal } from "./terminal.js";

let ca: KeyPair;
let node: KeyPair;
let client: KeyPair;
let next: KeyPair;

beforeAll(async () => {
  ca = await certificate({ toDays: 10 });
  [node, client, next] = await Promise.all([certificate({ ca, toDays: 30 }), certificate({ ca, toDays: 30 }), certificate({ ca, toDays: 2 })]);
});

/** A folder with these certificates, as a configuration file names them. */
function folderWith(): string {
  const pair = (name: string, { key, cert }: KeyPair): Record<string, string> => ({ [`${name}.pem`]: cert, [`${name}.key`]: key });
  return temporaryFolder({ "ca.pem": ca.cert, ...pair("node", node), ...pair("client", client) });
}

const flags = (folder: string, name: string): string[] => [
  "--tls-ca",
  join(folder, "ca.pem"),
  "--tls-cert",
  join(folder, `${name}.pem`),
  "--tls-key",
  join(folder, `${name}.key`),
];

/** The certificate that is shown at a URL. */
function shownAt(url: string): Promise<string> {
  const { hostname: host, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connectTls({ host, port: Number(port), ca: ca.cert, ...client }, () => {
      resolve(socket.getPeerCertificate().fingerprint256);
      socket.destroy();
    });
    socket.on("error", reject);
  });
}

describe("node start with TLS", () => {
  it("forms a mesh of nodes that show each other certificates, and serves clients that have one, at meshs://", async () => {
    const folder = folderWith();
    const start = (): Promise<Started> =>
      started(
        "node",
        "start",
        "--store",
        `lmdb:${join(folder, "data")}`,
        "--listen",
        "127.0.0.1:0",
        "--no-admin",
        "--tls-client-certs",
        ...flags(folder, "node"),
      );
    const [a, b] = [await start(), await start()];
    expect(a.nodes[0]).toMatch(/^meshs:\/\/127/);
    const token = await kv("set", "k", "1", "--url", a.nodes[0], ...flags(folder, "client"));
    expect(await kv("get", "k", "--session", token, "--url", b.nodes[0], ...flags(folder, "client"))).toBe("1");
    const refused = async (...args: string[]): Promise<string> => {
      const terminal = testTerminal({ cwd: folder, env: { CAUSALMESH_SECRET: "the secret of this test's mesh" } });
      expect(await run(["kv", "get", "k", "--timeout", "2s", ...args], terminal)).not.toBe(EXIT.ok);
      return terminal.err();
    };
    expect(await refused("--url", a.nodes[0])).toContain("[UNAUTHENTICATED]");
    expect(await refused("--url", a.nodes[0], "--tls-ca", join(folder, "ca.pem"))).toContain("[UNAUTHENTICATED]");
    expect(await refused("--url", a.nodes[0].replace("meshs:", "mesh:"))).toMatch(/\[(NODE_UNREACHABLE|TIMEOUT)\]/);
  }, 60_000);

  it("takes new certificates while it runs, for the mesh and for HTTPS, and says so in its log", async () => {
    const folder = folderWith();
    const https = ["--http", "127.0.0.1:0", "--http-tls-cert", join(folder, "node.pem"), "--http-tls-key", join(folder, "node.key")];
    const running = await started("node", "start", "--store", "memory:", "--listen", "127.0.0.1:0", "--no-admin", ...flags(folder, "node"), ...https);
    const [front] = running.http!;
    expect(front).toMatch(/^https:/);
    const status = await new Promise((resolve, reject) => {
      get(`${front}/v1/shop/k`, { ca: ca.cert }, (answer) => (answer.resume(), resolve(answer.statusCode))).on("error", reject);
    });
    expect(status).toBe(404);
    const before = await shownAt(front);
    expect(await shownAt(running.nodes[0])).toBe(before);
    writeFileSync(join(folder, "node.key"), next.key);
    writeFileSync(join(folder, "node.pem"), next.cert);
    for (const url of [front, running.nodes[0]]) await expect.poll(() => shownAt(url), { timeout: 20_000 }).not.toBe(before);
    expect(running.log()).toContain("the certificates were read again");
    expect(running.log()).toContain("the certificates of HTTPS were read again");
  }, 60_000);

  it("takes its settings from the configuration file and the environment, and hands them to the nodes of dev", async () => {
    const folder = folderWith();
    writeFileSync(
      join(folder, "causalmesh.config.json"),
      JSON.stringify({ tls: { ca: "ca.pem", cert: "node.pem", key: "node.key", clientCerts: true }, store: "lmdb:./data" }),
    );
    const { nodes } = await started("dev", "--nodes", "2", "--port", "0", "--config", join(folder, "causalmesh.config.json"));
    expect(nodes.every((url) => url.startsWith("meshs://"))).toBe(true);
    const env = {
      CAUSALMESH_SECRET: "the secret of this test's mesh",
      CAUSALMESH_TLS_CA: "ca.pem",
      CAUSALMESH_TLS_CERT: "client.pem",
      CAUSALMESH_TLS_KEY: "client.key",
      CAUSALMESH_URL: nodes.join(","),
    };
    const terminal = testTerminal({ cwd: folder, env });
    expect(await run(["cluster", "status", "--json", "--no-config"], terminal), terminal.err()).toBe(EXIT.ok);
    expect(JSON.parse(terminal.out()).members).toHaveLength(2);
    const examined = testTerminal({ cwd: folder, env });
    expect(await run(["doctor", "--json", "--no-config"], examined), examined.out()).toBe(EXIT.ok);
    expect(examined.out().match(/"check":"certificate of 127[^}]+"status":"ok"/g)).toHaveLength(2);
  }, 60_000);
});

describe("kv over HTTP", () => {
  it("reads and writes in a namespace with an API key, and hands the session on", async () => {
    const key = "the-key-of-this-test's-caller".replaceAll("'", "-");
    const folder = temporaryFolder({ "keys.json": JSON.stringify([{ name: "t", key, role: "admin", namespaces: ["shop"] }]), key: `${key}\n` });
    const running = await started(
      "node",
      "start",
      "--store",
      "memory:",
      "--listen",
      "127.0.0.1:0",
      "--no-admin",
      "--http",
      "127.0.0.1:0",
      "--http-keys",
      join(folder, "keys.json"),
    );
    const [url] = running.http!;
    const args = ["--url", url, "--namespace", "shop", "--api-key-file", join(folder, "key")];
    const token = await kv("set", "k", '{"items":3}', ...args);
    expect(await kv("get", "k", "--session", token, ...args)).toBe('{"items":3}');
    const terminal = testTerminal({ cwd: folder, env: { CAUSALMESH_API_KEY: readFileSync(join(folder, "key"), "utf8").trim() } });
    expect(await run(["cluster", "status", "--json", "--url", url, "--namespace", "shop"], terminal), terminal.err()).toBe(EXIT.ok);
    const stranger = testTerminal({ cwd: folder });
    expect(await run(["kv", "get", "k", "--url", url, "--namespace", "shop"], stranger)).toBe(EXIT.failed);
    expect(stranger.err()).toContain("[UNAUTHENTICATED]");
    const tenant = testTerminal({ cwd: folder });
    expect(await run(["kv", "get", "k", ...args, "--namespace", "bank"], tenant)).toBe(EXIT.failed);
    expect(tenant.err()).toContain("[FORBIDDEN]");
  }, 60_000);
});
