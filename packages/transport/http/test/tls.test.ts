// HTTPS: certificates that are good, expired, of nobody, and replaced while the server runs.

import { Agent, request } from "node:https";
import type { TLSSocket } from "node:tls";
import { certificate, type KeyPair } from "@causalmesh/test-servers";
import { beforeAll, describe, expect, it } from "vitest";
import { embedded, served } from "./support/front.js";

interface Met {
  readonly status: number;
  /** SHA-256 of the certificate that was met. */
  readonly fingerprint: string;
  readonly socket: TLSSocket;
}

function get(url: string, options: object): Promise<Met> {
  return new Promise((resolve, reject) => {
    const asked = request(`${url}/v1/shop/k`, options, (response) => {
      const socket = response.socket as TLSSocket;
      const { fingerprint256 } = socket.getPeerCertificate();
      response.resume();
      response.on("end", () => resolve({ status: response.statusCode!, fingerprint: fingerprint256, socket }));
    });
    asked.on("error", reject);
    asked.end();
  });
}

describe("https", () => {
  let ca: KeyPair;
  let good: KeyPair;
  let next: KeyPair;
  let expired: KeyPair;

  beforeAll(async () => {
    ca = await certificate({ toDays: 10 });
    [good, next, expired] = await Promise.all([certificate({ ca }), certificate({ toDays: 2, ca }), certificate({ fromDays: -2, toDays: -1, ca })]);
  });

  it("serves with the key and the certificate that it was given", async () => {
    const { url } = await served(await embedded(), { tls: good });
    expect(url).toMatch(/^https:/);
    expect((await get(url, { ca: ca.cert })).status).toBe(404);
    await expect(get(url, {})).rejects.toThrow(/certificate/);
    await expect(fetch(url.replace("https:", "http:"))).rejects.toThrow("fetch failed");
    expect((await get(url, { ca: ca.cert })).status).toBe(404);
  });

  it("with an expired certificate is trusted by no client", async () => {
    const { url } = await served(await embedded(), { tls: expired });
    await expect(get(url, { ca: ca.cert })).rejects.toMatchObject({ code: "CERT_HAS_EXPIRED" });
  });

  it("asks for client certificates where it is told to, and takes no expired one and none of its own making", async () => {
    const { url } = await served(await embedded(), { tls: { ...good, ca: ca.cert, requestCert: true, rejectUnauthorized: true } });
    expect((await get(url, { ca: ca.cert, ...next })).status).toBe(404);
    for (const client of [{}, expired, await certificate()]) await expect(get(url, { ca: ca.cert, ...client })).rejects.toThrow();
    expect((await get(url, { ca: ca.cert, ...next })).status).toBe(404);
  });

  it("takes a new certificate while it runs, and open connections go on", async () => {
    const server = await served(await embedded(), { tls: good });
    const agent = new Agent({ keepAlive: true, maxSockets: 1, ca: ca.cert });
    const first = await get(server.url, { agent });
    server.reloadTls(next);
    const again = await get(server.url, { agent });
    expect([again.status, again.fingerprint, again.socket === first.socket]).toEqual([404, first.fingerprint, true]);
    const fresh = await get(server.url, { ca: ca.cert });
    expect(fresh.status).toBe(404);
    expect(fresh.fingerprint).not.toBe(first.fingerprint);
    expect(() => server.reloadTls({ key: good.key, cert: next.cert })).toThrow(expect.objectContaining({ code: "OPTION_INVALID" }));
    expect((await get(server.url, { ca: ca.cert })).fingerprint).toBe(fresh.fingerprint);
    agent.destroy();
  });

  it("refuses keys and certificates that are none, and a reload where there is no TLS", async () => {
    const mesh = await embedded();
    await expect(served(mesh, { tls: { key: "no key", cert: good.cert } })).rejects.toMatchObject({ code: "OPTION_INVALID" });
    const plain = await served(mesh);
    expect(() => plain.reloadTls(good)).toThrow(expect.objectContaining({ code: "OPTION_INVALID" }));
  });
});

describe("listening", () => {
  it("at an address in use, and at none of this machine's, is refused", async () => {
    const mesh = await embedded();
    const { url } = await served(mesh);
    await expect(served(mesh, { port: Number(new URL(url).port) })).rejects.toMatchObject({ code: "ADDRESS_IN_USE" });
    await expect(served(mesh, { host: "192.0.2.1", allowUnauthenticated: true })).rejects.toMatchObject({ code: "ADDRESS_INVALID" });
    await expect(served(mesh, { port: 70_000 })).rejects.toMatchObject({ code: "ADDRESS_INVALID" });
    await expect(served(mesh, { node: "nobody" })).rejects.toMatchObject({ code: "OPTION_INVALID" });
    await expect(served(mesh, { closeTimeout: "soon" })).rejects.toMatchObject({ code: "OPTION_INVALID" });
  });
});
