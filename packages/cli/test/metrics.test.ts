import { readFileSync } from "node:fs";
import type { NodeDebug } from "@causalmesh/core";
import { connect } from "@causalmesh/transport-tcp";
import { afterEach, describe, expect, it } from "vitest";
import { adminApp, startAdmin } from "../src/admin.js";
import { formatMetrics } from "../src/metrics.js";
import type { SmallServer } from "../src/small-server.js";
import { runningNodes } from "./mesh.js";
import { MEMBER } from "./status.js";

const SUMMARY = { boundsMs: [1, 10], counts: [3, 2, 1], sumMs: 1_250 };
const NODE = { status: MEMBER, durations: { write: SUMMARY, load: { ...SUMMARY, counts: [0, 0, 0], sumMs: 0 }, flush: SUMMARY } };
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
    const family = sample![1].replace(/_(bucket|sum|count)$/, (suffix) => (families.has(`TYPE ${sample![1]}`) ? suffix : ""));
    expect(families).toContain(`HELP ${family}`);
    expect(families).toContain(`TYPE ${family}`);
    expect(samples.has(line.slice(0, line.lastIndexOf(" ")))).toBe(false);
    samples.set(line.slice(0, line.lastIndexOf(" ")), Number(sample![3]));
  }
  return samples;
}

/** The samples of one histogram with the bounds of SUMMARY. */
function histogram(op: string, buckets: readonly number[], seconds: number): Record<string, number> {
  const name = "causalmesh_operation_duration_seconds";
  const entries = ["0.001", "0.01", "+Inf"].map((le, index) => [`${name}_bucket{op="${op}",le="${le}"}`, buckets[index]]);
  return Object.fromEntries([...entries, [`${name}_sum{op="${op}"}`, seconds], [`${name}_count{op="${op}"}`, buckets[2]]]) as Record<string, number>;
}

describe("formatMetrics", () => {
  it("says what the status says, in base units", () => {
    const samples = parseMetrics(formatMetrics(NODE, NUMBERS));
    expect(Object.fromEntries(samples)).toEqual({
      'causalmesh_node_info{replica="7",address="127.0.0.1:7400",version="0.1.0"}': 1,
      causalmesh_epoch: 4,
      'causalmesh_members{state="alive"}': 2,
      'causalmesh_members{state="suspected"}': 0,
      'causalmesh_members{state="departed"}': 1,
      causalmesh_link_up: 1,
      'causalmesh_operations_total{op="read",result="hit"}': 90,
      'causalmesh_operations_total{op="read",result="miss"}': 10,
      'causalmesh_operations_total{op="write",result="ok"}': 12,
      'causalmesh_errors_total{code="OVERLOADED"}': 2,
      ...histogram("write", [3, 5, 6], 1.25),
      ...histogram("load", [0, 0, 0], 0),
      ...histogram("flush", [3, 5, 6], 1.25),
      causalmesh_session_waits_total: 0,
      causalmesh_visibility_lag_seconds: 0.003,
      causalmesh_store_flush_lag_seconds: 1.25,
      causalmesh_store_failing: 0,
      causalmesh_pending_writes: 2,
      causalmesh_log_writes: 5,
      causalmesh_link_sent_bytes_total: 4321,
      causalmesh_log_bytes: 512,
      causalmesh_cache_entries: 4,
      causalmesh_cache_bytes: 4096,
      causalmesh_cache_bytes_max: 1048576,
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
    const [page] = readFileSync(new URL("../../../docs/METRICS.md", import.meta.url), "utf8").split("\n## The monitor");
    const documented = [...page.matchAll(/^\| `(\w+)` \| (\w+) \|/gm)];
    const printed = [...formatMetrics(NODE, NUMBERS).matchAll(/^# TYPE (\w+) (\w+)$/gm)];
    const pairs = (matches: RegExpExecArray[]): string[] => matches.map(([, name, type]) => `${name} ${type}`).sort();
    expect(pairs(documented)).toEqual(pairs(printed));
  });

  it("escapes what stands in a label", () => {
    const text = formatMetrics({ ...NODE, status: { ...MEMBER, address: 'a"b\\c\nd' } }, NUMBERS);
    expect(text).toContain('address="a\\"b\\\\c\\nd"');
    parseMetrics(text);
  });
});

describe("the admin port", () => {
  let status = MEMBER;
  let isStopping = false;
  const debug = { status: MEMBER, departed: [], connections: [{ remote: "127.0.0.1:5", kind: "client" as const }] } as unknown as NodeDebug;
  const node = { status: () => status, durations: () => NODE.durations, debug: () => debug };
  const app = adminApp({ node, isStopping: () => isStopping });
  let admin: SmallServer | undefined;
  afterEach(() => admin?.close());

  it("answers its paths, and names them elsewhere", async () => {
    expect((await app.request("/livez")).status).toBe(200);
    expect(await (await app.request("/status")).json()).toEqual(MEMBER);
    const metrics = await app.request("/metrics");
    expect(metrics.headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
    expect(parseMetrics(await metrics.text()).get("process_resident_memory_bytes")).toBeGreaterThan(10_000_000);
    expect(await (await app.request("/debug")).json()).toMatchObject({ node: debug, durations: { write: SUMMARY }, process: { pid: process.pid } });
    const absent = await app.request("/");
    expect(absent.status).toBe(404);
    for (const path of ["/livez", "/readyz", "/metrics", "/status", "/debug"]) expect(await absent.clone().text()).toContain(path);
  });

  it("is ready while the node serves: not while it joins, and not from the moment it stops; it is alive all the time", async () => {
    const ready = async (): Promise<unknown[]> => {
      const answer = await app.request("/readyz");
      expect((await app.request("/livez")).status).toBe(200);
      return [answer.status, (await answer.text()).trim()];
    };
    expect(await ready()).toEqual([200, "ok"]);
    status = { ...MEMBER, state: "joining" };
    expect(await ready()).toEqual([503, "joining"]);
    status = MEMBER;
    isStopping = true;
    expect(await ready()).toEqual([503, "leaving"]);
    isStopping = false;
  });

  it("shows in /debug neither keys nor values nor secrets, and what is under way", async () => {
    const [running] = await runningNodes(2);
    const session = await connect({ nodes: [running.address] });
    await session.session().set("a-key-of-this-test", "a-value-of-this-test", { durability: "stored" });
    const text = await (await adminApp({ node: running, isStopping: () => false }).request("/debug")).text();
    await session.close();
    expect(text).not.toMatch(/of-this-test/);
    const { node: state } = JSON.parse(text) as { node: NodeDebug };
    expect(state).toMatchObject({ predecessorAlive: true, sealed: [], flushFailures: 0, waitingWrites: 0 });
    expect(state.connections.map(({ kind }) => kind).sort()).toEqual(["client", "predecessor"]);
  });

  it("listens, and says when its address is taken", async () => {
    admin = await startAdmin({ address: { host: "127.0.0.1", port: 0 }, node, isStopping: () => false });
    expect((await fetch(`${admin.url}/livez`)).status).toBe(200);
    const port = Number(new URL(admin.url).port);
    await expect(startAdmin({ address: { host: "127.0.0.1", port }, node, isStopping: () => false })).rejects.toMatchObject({
      code: "ADDRESS_IN_USE",
      message: expect.stringContaining("--admin"),
    });
  });
});
