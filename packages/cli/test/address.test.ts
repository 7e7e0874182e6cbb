import { describe, expect, it } from "vitest";
import { formatHostPort, isLoopback, parseHostPort, parseNodeUrl } from "../src/address.js";
import { checkExposure, dialable } from "../src/exposure.js";

describe("parseHostPort", () => {
  it.each([
    ["127.0.0.1:7400", "127.0.0.1", 7400],
    ["localhost:0", "localhost", 0],
    ["[::1]:7400", "::1", 7400],
    ["node-1.mesh.internal:65535", "node-1.mesh.internal", 65_535],
  ])("%s", (text, host, port) => {
    expect(parseHostPort(text, "--listen")).toEqual({ host, port });
    expect(formatHostPort({ host, port })).toBe(text);
  });

  it.each([
    "",
    "7400",
    ":7400",
    "localhost",
    "localhost:",
    "localhost:x",
    "localhost:65536",
    "localhost:-1",
    "::1:7400",
    "a b:1",
    "http://a:1",
    "a:1:2",
    "[]:1",
  ])("refuses %j", (text) => {
    expect(() => parseHostPort(text, "--listen")).toThrow(expect.objectContaining({ code: "ADDRESS_INVALID", message: expect.stringContaining("--listen") }));
  });
});

describe("parseNodeUrl", () => {
  it.each([
    ["mesh://10.0.0.7:7401", "mesh", "10.0.0.7:7401"],
    ["MESH://10.0.0.7:7401/", "mesh", "10.0.0.7:7401"],
    ["meshs://10.0.0.7:7401", "meshs", "10.0.0.7:7401"],
    ["10.0.0.7:7401", undefined, "10.0.0.7:7401"],
    ["mesh://localhost", "mesh", "localhost:7400"],
    ["localhost", undefined, "localhost:7400"],
    ["mesh://[::1]:7401", "mesh", "[::1]:7401"],
    ["[::1]", undefined, "[::1]:7400"],
    ["http://127.0.0.1:8080", "http", "http://127.0.0.1:8080"],
    ["https://mesh.example.com/cache/", "http", "https://mesh.example.com/cache"],
  ])("%s", (text, scheme, address) => {
    expect(parseNodeUrl(text, "--url")).toEqual({ scheme, address });
  });

  it.each(["", "mesh://", "meshs://", "ftp://a:1", "mesh://a:1/path", "mesh://a:99999", "mesh://user@a:1"])("refuses %j", (text) => {
    expect(() => parseNodeUrl(text, "--url")).toThrow(expect.objectContaining({ code: "ADDRESS_INVALID" }));
  });
});

describe("exposure", () => {
  it.each(["127.0.0.1", "127.8.8.8", "localhost", "::1"])("%s is this machine", (host) => {
    expect(isLoopback(host)).toBe(true);
    expect(() => checkExposure(host, host, { secret: undefined, tls: undefined }, false)).not.toThrow();
  });

  it.each(["0.0.0.0", "::", "10.0.0.7", "example.org", "127.0.0.1.example.org", "localhost.example.org"])("%s is not", (host) => {
    expect(() => checkExposure(host, host, { secret: undefined, tls: undefined }, false)).toThrow(/--insecure-no-authentication/);
    expect(() => checkExposure(host, host, { secret: "a secret of 20 bytes", tls: undefined }, false)).not.toThrow();
    expect(() => checkExposure(host, host, { secret: undefined, tls: undefined }, true)).not.toThrow();
    const tls = { paths: {}, serverName: undefined, clientCerts: true };
    expect(() => checkExposure(host, host, { secret: undefined, tls }, false)).not.toThrow();
    expect(() => checkExposure(host, host, { secret: undefined, tls: { ...tls, clientCerts: false } }, false)).toThrow(/--tls-client-certs/);
  });

  it("reaches a listener on all interfaces over the loopback interface", () => {
    expect(dialable({ host: "0.0.0.0", port: 5 })).toEqual({ host: "127.0.0.1", port: 5 });
    expect(dialable({ host: "::", port: 5 })).toEqual({ host: "::1", port: 5 });
    expect(dialable({ host: "10.0.0.7", port: 5 })).toEqual({ host: "10.0.0.7", port: 5 });
  });
});
