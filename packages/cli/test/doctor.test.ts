// `causalmesh doctor` on real stores and nodes: what it finds, what it says to do, how it exits, and that it changes nothing.

import { copyFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { formMesh, limits, startNode, systemPlatform, type Platform, type RunningNode, type Store } from "@causalmesh/core";
import { freePort, startDynamodb, startPostgres, startRedis, type DynamodbServer, type PostgresServer } from "@causalmesh/test-servers";
import { tcpTransport } from "@causalmesh/transport-tcp";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { EXIT, run } from "../src/index.js";
import { openStore, parseStoreUrl } from "../src/store-url.js";
import { temporaryFolder } from "./folder.js";
import { testTerminal } from "./terminal.js";

const SECRET = "the secret of this test's mesh";

interface CheckLine {
  readonly check: string;
  readonly status: string;
  readonly detail: string;
  readonly advice?: string;
  readonly code?: string;
}

async function doctor(...args: string[]): Promise<{ exitCode: number; out: string; err: string }> {
  const terminal = testTerminal({ cwd: temporaryFolder() });
  const exitCode = await run(["doctor", "--no-config", "--timeout", "2s", ...args], terminal);
  return { exitCode, out: terminal.out(), err: terminal.err() };
}

async function checks(...args: string[]): Promise<{ exitCode: number; checks: Record<string, CheckLine> }> {
  const { exitCode, out } = await doctor("--json", ...args);
  const lines = out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as CheckLine);
  return { exitCode, checks: Object.fromEntries(lines.map((line) => [line.check, line])) };
}

const statuses = (found: Record<string, CheckLine>): Record<string, string> =>
  Object.fromEntries(Object.values(found).map(({ check, status }) => [check, status]));

/** A running mesh on a store, as two machines would run it. */
async function mesh(
  url: string,
  // `missing`: members behind them that are not there.
  { nodes = 2, missing = 0, secret, aheadMs = 0 }: { nodes?: number; missing?: number; secret?: string; aheadMs?: number } = {},
): Promise<{ nodes: RunningNode[]; addresses: string[]; store: Store }> {
  const store = await openStore(parseStoreUrl(url, "/"));
  const addresses: string[] = [];
  for (let index = 0; index < nodes + missing; index++) addresses.push(`127.0.0.1:${await freePort()}`);
  const { members } = await formMesh(store, addresses);
  const platform: Platform = { ...systemPlatform, clock: { ...systemPlatform.clock, now: () => Date.now() + aheadMs } };
  // Nobody is taken out of the view while the test looks at it.
  const suspicion = { suspectMsMin: Infinity, suspectMsMax: Infinity, takeOverMs: Infinity };
  const started = await Promise.all(
    members.slice(0, nodes).map(({ address, replica }) => startNode({ store, transport: tcpTransport(), address, replica, secret, platform, suspicion })),
  );
  onTestFinished(async () => {
    await Promise.allSettled(started.map((node) => node.close()));
    await store.close();
  });
  return { nodes: started, addresses, store };
}

const closedUrl = async (): Promise<string> => `mesh://127.0.0.1:${await freePort()}`;

describe("a mesh that is well", () => {
  it("passes every check, at the nodes that the store names, and exits with 0", async () => {
    const url = `lmdb:${temporaryFolder()}`;
    const { addresses } = await mesh(url);
    const { exitCode, checks: found } = await checks("--store", url);
    expect(statuses(found)).toEqual({
      store: "ok",
      schema: "ok",
      rights: "ok",
      registry: "ok",
      rows: "ok",
      versions: "ok",
      [`node ${addresses[0]}`]: "ok",
      [`node ${addresses[1]}`]: "ok",
    });
    expect(found.registry.detail).toBe(`epoch 1, members ${addresses[0]} (replica 1), ${addresses[1]} (replica 2)`);
    expect(found[`node ${addresses[1]}`].detail).toBe("answers; replica 2, epoch 1, 0 writes in its log");
    expect(exitCode).toBe(EXIT.ok);
  });

  it("is shown as a table, with nothing to do", async () => {
    const url = `lmdb:${temporaryFolder()}`;
    const { addresses } = await mesh(url, { nodes: 1 });
    const { exitCode, out, err } = await doctor("--store", url);
    expect(out).toMatch(/^check +found\nstore +ok +lmdb at .* can be looked into\nschema +ok +format 1/);
    expect(out).toContain(`node ${addresses[0]}  ok  answers; replica 1, epoch 1`);
    expect(out).not.toContain("What to do");
    expect({ exitCode, err }).toEqual({ exitCode: EXIT.ok, err: "" });
  });

  it("is written to with --write alone, and what was written is deleted again", async () => {
    const url = `lmdb:${temporaryFolder()}`;
    const { store, addresses } = await mesh(url, { secret: SECRET });
    await checks("--store", url, "--secret", SECRET);
    expect((await store.scan("", undefined, 10)).rows).toEqual([]);
    const { exitCode, checks: found } = await checks("--store", url, "--secret", SECRET, "--write");
    expect(found.write).toEqual({
      check: "write",
      status: "ok",
      detail: expect.stringMatching(new RegExp(`^in the store after \\d+ ms, and readable at ${addresses[1]}; deleted again$`)) as string,
    });
    expect(exitCode).toBe(EXIT.ok);
    const { rows } = await store.scan("", undefined, 10);
    expect(rows.map(({ key, value }) => [key.slice(0, 17), value])).toEqual([["causalmesh-doctor", null]]);
  });

  it("is asked without a store too", async () => {
    const { addresses } = await mesh(`lmdb:${temporaryFolder()}`);
    const { exitCode, checks: found } = await checks("--url", `mesh://${addresses[0]}`);
    expect(statuses(found)).toEqual({ store: "skipped", versions: "ok", [`node ${addresses[0]}`]: "ok", [`node ${addresses[1]}`]: "ok" });
    expect(exitCode).toBe(EXIT.ok);
  });
});

describe("nodes", () => {
  it("that nobody named are learnt of from those that answer", async () => {
    const { addresses } = await mesh(`lmdb:${temporaryFolder()}`, { missing: 1 });
    const { exitCode, checks: found } = await checks("--url", `mesh://${addresses[0]}`);
    expect(found[`node ${addresses[1]}`]).toMatchObject({ status: "ok", detail: expect.stringContaining("replica 2") as string });
    expect(found[`node ${addresses[2]}`]).toMatchObject({ status: "failed", code: "NODE_UNREACHABLE", detail: "a member that does not answer" });
    expect(exitCode).toBe(EXIT.failed);
  });

  it("that do not answer fail one by one, and exit with 1 while another does", async () => {
    const url = `lmdb:${temporaryFolder()}`;
    const { addresses } = await mesh(url, { nodes: 1, missing: 1 });
    const { exitCode, checks: found } = await checks("--store", url);
    expect(found[`node ${addresses[0]}`].status).toBe("ok");
    expect(found[`node ${addresses[1]}`]).toMatchObject({ status: "failed", code: "NODE_UNREACHABLE", advice: expect.any(String) as string });
    expect(exitCode).toBe(EXIT.failed);
  });

  it("of which none answers exit with 3, and a probe is not tried", async () => {
    const url = `lmdb:${temporaryFolder()}`;
    const { nodes } = await mesh(url);
    for (const node of nodes) await node.close();
    const { exitCode, checks: found } = await checks("--store", url, "--write");
    expect(found.registry.status).toBe("ok");
    expect(found.write).toEqual({ check: "write", status: "skipped", detail: "no node answers" });
    expect(exitCode).toBe(EXIT.unreachable);
  });

  it("of another mesh, of an earlier view, or with another secret are named as such", async () => {
    const url = `lmdb:${temporaryFolder()}`;
    const { addresses, store } = await mesh(url, { secret: SECRET });
    const other = await mesh(`lmdb:${temporaryFolder()}`, { nodes: 1, secret: SECRET });
    const foreign = await checks("--store", url, "--secret", SECRET, "--url", `mesh://${other.addresses[0]}`);
    expect(foreign.checks[`node ${other.addresses[0]}`]).toMatchObject({ status: "failed", detail: "a node of another mesh answers there" });
    expect(foreign.exitCode).toBe(EXIT.failed);
    const secret = await checks("--store", url, "--secret", "another secret of 16 bytes");
    expect(secret.checks[`node ${addresses[0]}`]).toMatchObject({ status: "failed", code: "UNAUTHENTICATED" });
    expect(secret.exitCode).toBe(EXIT.failed);
    await formMesh(store, ["127.0.0.1:1"]);
    const later = await checks("--store", url, "--secret", SECRET, "--url", `mesh://${addresses[0]}`);
    expect(later.checks[`node ${addresses[0]}`]).toMatchObject({
      status: "failed",
      detail: expect.stringMatching(/epoch 1, and the store in 2/) as string,
      advice: "end this node",
    });
  });
});

describe("a node's clock", () => {
  it.each([
    [limits.CLOCK_AHEAD_MS_MAX + 5_000, "65 s ahead of"],
    [-limits.CLOCK_AHEAD_MS_MAX - 5_000, "65 s behind"],
  ])("that is %i ms apart fails, and one within the bound does not", async (aheadMs, apart) => {
    const { addresses } = await mesh(`lmdb:${temporaryFolder()}`, { nodes: 1, aheadMs });
    const { exitCode, checks: found } = await checks("--url", `mesh://${addresses[0]}`);
    expect(found[`node ${addresses[0]}`]).toMatchObject({
      status: "failed",
      code: "CLOCK_SKEW",
      detail: `its clock is ${apart} this machine's`,
      advice: expect.stringContaining("NTP") as string,
    });
    expect(exitCode).toBe(EXIT.failed);
    const near = await mesh(`lmdb:${temporaryFolder()}`, { nodes: 1, aheadMs: Math.sign(aheadMs) * (limits.CLOCK_AHEAD_MS_MAX - 1_000) });
    expect((await checks("--url", `mesh://${near.addresses[0]}`)).exitCode).toBe(EXIT.ok);
  });
});

describe("an LMDB store", () => {
  it("that is not there is not made", async () => {
    const folder = join(temporaryFolder(), "data");
    const { exitCode, checks: found } = await checks("--store", `lmdb:${folder}`, "--url", await closedUrl());
    expect(found.schema).toMatchObject({
      status: "failed",
      detail: "no mesh has used this store yet",
      advice: expect.stringContaining("causalmesh node start") as string,
    });
    expect([found.registry.status, found.rows.status]).toEqual(["skipped", "skipped"]);
    expect(existsSync(folder)).toBe(false);
    expect(exitCode).toBe(EXIT.unreachable);
  });

  it("that was copied there and not opened yet gets no lock file, which would be the doctor's own", async () => {
    const url = temporaryFolder();
    const { addresses } = await mesh(`lmdb:${url}`, { nodes: 1 });
    const copy = temporaryFolder();
    copyFileSync(join(url, "data.mdb"), join(copy, "data.mdb"));
    const { exitCode, checks: found } = await checks("--store", `lmdb:${copy}`, "--url", `mesh://${addresses[0]}`);
    expect(found.schema.status).toBe("ok");
    expect(found.registry).toMatchObject({ status: "skipped", detail: "a copy that no node has opened here yet" });
    expect(exitCode).toBe(EXIT.ok);
    expect(readdirSync(copy)).toEqual(["data.mdb"]);
  });

  it("that no mesh was formed on, and one that is damaged, fail with what to do", async () => {
    const folder = temporaryFolder();
    const store = await openStore(parseStoreUrl(`lmdb:${folder}`, "/"));
    await store.close();
    const { addresses } = await mesh(`lmdb:${temporaryFolder()}`, { nodes: 1 });
    const before = readFileSync(join(folder, "data.mdb"));
    const empty = await checks("--store", `lmdb:${folder}`, "--url", `mesh://${addresses[0]}`);
    expect(empty.checks.registry).toMatchObject({ status: "failed", detail: "no mesh was formed on this store yet" });
    expect(empty.exitCode).toBe(EXIT.failed);
    expect(readFileSync(join(folder, "data.mdb")).equals(before)).toBe(true);
    writeFileSync(join(folder, "data.mdb"), "x".repeat(10_000));
    const damaged = await doctor("--store", `lmdb:${folder}`, "--url", `mesh://${addresses[0]}`);
    expect(damaged.out).toMatch(/store +failed +lmdb at .*\n/);
    expect(damaged.out).toMatch(/What to do:\n {2}store: choose another, or restore it/);
    expect(damaged.exitCode).toBe(EXIT.failed);
  });
});

describe("a Postgres store", () => {
  let server: PostgresServer;
  beforeAll(async () => void (server = await startPostgres()));
  afterAll(async () => await server.stop());
  const storeUrl = (schema: string): string => `${server.url}?schema=${schema}_${process.pid}`;

  it("that no mesh has used is not made; with a mesh it passes, and the password is shown to nobody", async () => {
    const url = storeUrl("doctor");
    for (let time = 0; time < 2; time++) {
      const { exitCode, checks: found } = await checks("--store", url, "--url", await closedUrl());
      expect(found.store).toMatchObject({ status: "ok", detail: expect.stringMatching(/^postgres at .* takes connections of the role mesh$/) as string });
      // The second time as the first: nothing was made.
      expect(statuses(found)).toMatchObject({ schema: "failed", rights: "ok", registry: "skipped", rows: "skipped" });
      expect(exitCode).toBe(EXIT.unreachable);
    }
    await mesh(url, { nodes: 1 });
    const { exitCode, out, err } = await doctor("--store", url, "--write");
    expect(out).toMatch(/schema +ok +format 1/);
    expect(out).toMatch(/write +ok +in the store after/);
    expect(exitCode).toBe(EXIT.ok);
    expect(out + err).not.toContain(new URL(server.url).password);
  });

  it("that does not answer exits with 3; one that does not let the role in, with 1", async () => {
    const { addresses } = await mesh(`lmdb:${temporaryFolder()}`, { nodes: 1 });
    const node = `mesh://${addresses[0]}`;
    const away = await checks("--store", `postgres://u:hunter2@127.0.0.1:${await freePort()}/d`, "--url", node);
    expect(away.checks.store).toMatchObject({ status: "failed", code: "STORE_UNAVAILABLE", advice: expect.stringContaining("check address") as string });
    expect(statuses(away.checks)).toMatchObject({ schema: "skipped", rights: "skipped" });
    expect(away.exitCode).toBe(EXIT.unreachable);
    const refused = await checks("--store", server.url.replace(/:[^:@]*@/, ":hunter2@"), "--url", node);
    expect(refused.checks.store).toMatchObject({ status: "failed", code: "STORE_LOCKED", advice: expect.stringContaining("check user, password") as string });
    expect(refused.exitCode).toBe(EXIT.failed);
    expect(JSON.stringify([away, refused])).not.toContain("hunter2");
  });
});

describe("a store on Redis", () => {
  it("that no mesh has used is not made; with a mesh it passes, and what the server keeps is said", async () => {
    const server = await startRedis({ own: true });
    onTestFinished(() => server.stop());
    const url = `${server.url}/0?prefix=doctor`;
    for (let time = 0; time < 2; time++) {
      const { exitCode, checks: found } = await checks("--store", url, "--url", await closedUrl());
      expect(found.store.detail).toMatch(/^redis at .* \(doctor\), Redis \d+\.\d+\.\d+, takes connections of the user default$/);
      // The second time as the first: nothing was made.
      expect(statuses(found)).toMatchObject({ schema: "failed", rights: "ok", persistence: "ok", registry: "skipped", rows: "skipped" });
      expect(exitCode).toBe(EXIT.unreachable);
    }
    const { addresses } = await mesh(url, { nodes: 1 });
    const { checks: found, exitCode } = await checks("--store", url, "--write");
    const node = `node ${addresses[0]}`;
    expect(statuses(found)).toEqual({
      store: "ok",
      versions: "ok",
      schema: "ok",
      rights: "ok",
      persistence: "ok",
      registry: "ok",
      rows: "ok",
      [node]: "ok",
      write: "ok",
    });
    expect(found.persistence.detail).toBe("appendfsync always: durable");
    expect(exitCode).toBe(EXIT.ok);
  });

  it("that keeps nothing is usable, and says so", async () => {
    const server = await startRedis({ own: true, persistence: "none", args: ["--maxmemory-policy", "volatile-lru"] });
    onTestFinished(() => server.stop());
    const { checks: found } = await checks("--store", server.url, "--url", await closedUrl());
    expect(found.persistence).toMatchObject({
      status: "ok",
      detail: expect.stringMatching(/^appendonly no: not durable.*volatile-lru may drop deletions/) as string,
    });
  });

  it("that does not answer exits with 3, and shows no password", async () => {
    const away = await checks("--store", `redis://:hunter2@127.0.0.1:${await freePort()}`, "--url", await closedUrl());
    expect(away.checks.store).toMatchObject({ status: "failed", code: "STORE_UNAVAILABLE" });
    expect(statuses(away.checks)).toMatchObject({ schema: "skipped", rights: "skipped", persistence: "skipped", registry: "skipped" });
    expect(away.exitCode).toBe(EXIT.unreachable);
    expect(JSON.stringify(away)).not.toContain("hunter2");
  });
});

describe("a DynamoDB table", () => {
  let server: DynamodbServer;
  beforeAll(async () => {
    server = await startDynamodb();
    Object.assign(process.env, server.env);
  });
  afterAll(async () => await server.stop());
  const storeUrl = (prefix: string): string => `${server.url(`doctor-${process.pid}`)}&prefix=${prefix}`;

  it("that no mesh has used is not made; with a mesh it passes", async () => {
    const url = storeUrl("one");
    for (let time = 0; time < 2; time++) {
      const { exitCode, checks: found } = await checks("--store", url, "--url", await closedUrl());
      expect(found.store).toMatchObject({ status: "ok", detail: `dynamodb table doctor-${process.pid} (one) answers` });
      // The second time as the first: nothing was made.
      expect(statuses(found)).toMatchObject({ schema: "failed", rights: "ok", registry: "skipped", rows: "skipped" });
      expect(exitCode).toBe(EXIT.unreachable);
    }
    await mesh(url, { nodes: 1 });
    const { exitCode, out } = await doctor("--store", url, "--write");
    expect(out).toMatch(/store +ok +dynamodb table .* is ACTIVE; it has no time to live on goneAt/);
    expect(out).toMatch(/schema +ok +format 1/);
    expect(out).toMatch(/write +ok +in the store after/);
    expect(exitCode).toBe(EXIT.ok);
  });

  it("that does not answer exits with 3", async () => {
    const url = `dynamodb://doctor?region=eu-central-1&endpoint=http://127.0.0.1:${await freePort()}`;
    const { exitCode, checks: found } = await checks("--store", url, "--url", await closedUrl());
    expect(found.store).toMatchObject({ status: "failed", code: "STORE_UNAVAILABLE" });
    expect(statuses(found)).toMatchObject({ schema: "skipped", rights: "skipped", registry: "skipped" });
    expect(exitCode).toBe(EXIT.unreachable);
  });
});

describe("usage", () => {
  it("a store that is none exits with 2; memory: has nothing to look at", async () => {
    expect((await doctor("--store", "mysql://u:hunter2@h/d")).exitCode).toBe(EXIT.usage);
    expect((await doctor("--url", "http://a:1")).exitCode).toBe(EXIT.usage);
    const { checks: found } = await checks("--store", "memory:", "--url", await closedUrl());
    expect(found.store.status).toBe("skipped");
  });
});
