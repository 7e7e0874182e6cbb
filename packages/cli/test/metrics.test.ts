import { readFileSync } from "node:fs";
import { afterEach, describe, expect, it } from "vitest";
import type { MemberStatus } from "@causalmesh/core";
import { adminApp, startAdmin, type Admin } from "../src/admin.js";
import { formatMetrics } from "../src/metrics.js";

const STATUS: MemberStatus = {
  replica: 7,
  address: "127.0.0.1:7400",
  received: { "7": 12, "8": 3 },
  common: { "7": 10, "8": 3 },
  applied: { "7": 10, "8": 3 },
  flushed: { "7": 9 },
  pending: 2,
  log: 5,
  logBytes: 512,
  cacheEntries: 4,
  cacheBytes: 4096,
  evictions: 1,
  versionBytes: 2048,
  transactionAborts: { retention: 1, memory: 2, evicted: 3 },
  reads: 100,
  hits: 90,
  writes: 12,
  linkBytes: 4321,
  clockMs: 1_700_000_000_000,
};
const NUMBERS = { cpuSeconds: 1.5, residentBytes: 1000, startTime: 1_700_000_000 };

/** Reads the text format as Prometheus does: each sample belongs to a family with one help and one type before it. */
function parseMetrics(text: string): Map<string, number> {
  const samples = new Map<string, number>();
  const families = new Set<string>();
  for (const line of text.split("\n").slice(0, -1)) {
    const declaration = /^# (HELP|TYPE) ([a-z_]+) (.+)$/.exec(line);
    if (declaration !== null) {
      const name = `${declaration[1]} ${declaration[2]}`;
      expect(families).not.toContain(name);
      families.add(name);
      continue;
    }
    const sample = /^([a-z_]+)(\{(?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)*\})? ([0-9.e+]+)$/.exec(line);
    expect(sample, line).not.toBeNull();
    expect(families).toContain(`HELP ${sample![1]}`);
    expect(families).toContain(`TYPE ${sample![1]}`);
    expect(samples.has(line.slice(0, line.lastIndexOf(" ")))).toBe(false);
    samples.set(line.slice(0, line.lastIndexOf(" ")), Number(sample![3]));
  }
  return samples;
}

describe("formatMetrics", () => {
  it("says what the status says, in base units", () => {
    const samples = parseMetrics(formatMetrics(STATUS, NUMBERS));
    expect(Object.fromEntries(samples)).toEqual({
      'causalmesh_node_info{replica="7",address="127.0.0.1:7400"}': 1,
      'causalmesh_operations_total{op="read",result="hit"}': 90,
      'causalmesh_operations_total{op="read",result="miss"}': 10,
      'causalmesh_operations_total{op="write",result="ok"}': 12,
      causalmesh_pending_writes: 2,
      causalmesh_log_writes: 5,
      causalmesh_link_sent_bytes_total: 4321,
      causalmesh_log_bytes: 512,
      causalmesh_cache_entries: 4,
      causalmesh_cache_bytes: 4096,
      causalmesh_evictions_total: 1,
      causalmesh_version_bytes: 2048,
      'causalmesh_transaction_aborts_total{cause="retention"}': 1,
      'causalmesh_transaction_aborts_total{cause="memory"}': 2,
      'causalmesh_transaction_aborts_total{cause="evicted"}': 3,
      'causalmesh_vector_counter{vector="received",replica="7"}': 12,
      'causalmesh_vector_counter{vector="received",replica="8"}': 3,
      'causalmesh_vector_counter{vector="common",replica="7"}': 10,
      'causalmesh_vector_counter{vector="common",replica="8"}': 3,
      'causalmesh_vector_counter{vector="applied",replica="7"}': 10,
      'causalmesh_vector_counter{vector="applied",replica="8"}': 3,
      'causalmesh_vector_counter{vector="flushed",replica="7"}': 9,
      process_cpu_seconds_total: 1.5,
      process_resident_memory_bytes: 1000,
      process_start_time_seconds: 1_700_000_000,
    });
  });

  it("are the ones of docs/METRICS.md, with their types", () => {
    const documented = [...readFileSync(new URL("../../../docs/METRICS.md", import.meta.url), "utf8").matchAll(/^\| `(\w+)` \| (\w+) \|/gm)];
    const printed = [...formatMetrics(STATUS, NUMBERS).matchAll(/^# TYPE (\w+) (\w+)$/gm)];
    const pairs = (matches: RegExpExecArray[]): string[] => matches.map(([, name, type]) => `${name} ${type}`).sort();
    expect(pairs(documented)).toEqual(pairs(printed));
  });

  it("escapes what stands in a label", () => {
    const text = formatMetrics({ ...STATUS, address: 'a"b\\c\nd' }, NUMBERS);
    expect(text).toContain('address="a\\"b\\\\c\\nd"');
    parseMetrics(text);
  });
});

describe("the admin port", () => {
  let ready = true;
  const app = adminApp({ status: () => STATUS, ready: () => ready });
  let admin: Admin | undefined;
  afterEach(() => admin?.close());

  it("answers the four paths, and names them elsewhere", async () => {
    expect((await app.request("/livez")).status).toBe(200);
    expect(await (await app.request("/status")).json()).toEqual(STATUS);
    const metrics = await app.request("/metrics");
    expect(metrics.headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
    expect(parseMetrics(await metrics.text()).get("process_resident_memory_bytes")).toBeGreaterThan(10_000_000);
    const absent = await app.request("/");
    expect(absent.status).toBe(404);
    expect(await absent.text()).toContain("/readyz");
  });

  it("is not ready from the moment the node stops, and still alive", async () => {
    expect((await app.request("/readyz")).status).toBe(200);
    ready = false;
    expect((await app.request("/readyz")).status).toBe(503);
    expect((await app.request("/livez")).status).toBe(200);
    ready = true;
  });

  it("listens, and says when its address is taken", async () => {
    admin = await startAdmin({ address: { host: "127.0.0.1", port: 0 }, status: () => STATUS, ready: () => true });
    expect((await fetch(`${admin.url}/livez`)).status).toBe(200);
    const port = Number(new URL(admin.url).port);
    await expect(startAdmin({ address: { host: "127.0.0.1", port }, status: () => STATUS, ready: () => true })).rejects.toMatchObject({
      code: "ADDRESS_IN_USE",
      message: expect.stringContaining("--admin"),
    });
  });
});
