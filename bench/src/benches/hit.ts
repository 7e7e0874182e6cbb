// Hits over TCP: GET of cached values, and SET at durability `memory`, from another process, beside a plain echo and redis-server.

import { alternated, type Aim, type Bench, type BenchOptions, type Report } from "../bench.js";
import { canPin, type Crew, type StartOptions, type Worker } from "../crew.js";
import type { Operation } from "../drivers/driver.js";
import { startNodes } from "../nodes.js";
import { freePorts } from "../ports.js";
import type { ClientOptions, ClientProgram, DriverKind } from "../processes/client.js";
import type { EchoProgram } from "../processes/echo-server.js";
import type { RedisProgram } from "../processes/redis-guard.js";
import { median, round, spread } from "../statistics.js";
import { HOT_ENTRIES } from "../workload.js";

const DEPTHS = [1, 16, 128] as const;
const DEEPEST = 128;
const OPERATIONS: readonly Operation[] = ["get", "set"];
const PHASE_MS = 400;
const QUICK_PHASE_MS = 40;
const WARM_UP_MS = 1_000;

type Server = () => Promise<number>;

interface Subject {
  readonly kind: DriverKind;
  readonly client: Worker<ClientProgram>;
  /** CPU that its server has used, in microseconds. */
  readonly serverCpu: Server;
}

/** One phase of one subject. CPU in microseconds per operation. */
interface Sample {
  readonly perSecond: number;
  readonly client: number;
  readonly server: number;
}

/** Samples by subject, operation and depth, one per repetition. */
class Samples {
  readonly #samples = new Map<string, Sample[]>();

  add(kind: DriverKind, operation: Operation, depth: number, sample: Sample): void {
    const name = `${kind} ${operation} ${depth}`;
    const samples = this.#samples.get(name) ?? [];
    samples.push(sample);
    this.#samples.set(name, samples);
  }

  of(kind: DriverKind, operation: Operation, depth: number): readonly Sample[] {
    return this.#samples.get(`${kind} ${operation} ${depth}`) ?? [];
  }

  /** The median of the ratios within each repetition. */
  ratio(operation: Operation, depth: number, a: DriverKind, b: DriverKind, figure: (sample: Sample) => number): number {
    const other = this.of(b, operation, depth);
    return round(median(this.of(a, operation, depth).map((sample, index) => figure(sample) / figure(other[index]))));
  }
}

async function startSubjects(crew: Crew, pinned: boolean): Promise<Subject[]> {
  const servers: StartOptions = { processor: pinned ? 0 : undefined };
  const clients: StartOptions = { processor: pinned ? 1 : undefined };
  const echo = crew.start<EchoProgram>("echo-server", {}, servers);
  const redis = crew.start<RedisProgram>("redis-guard", {}, servers);
  const [meshPort] = await freePorts(1);
  const [node] = await startNodes(crew, [`127.0.0.1:${meshPort}`], { store: "discarding" }, servers);
  const echoPort = await echo.call("listen");
  const redisPort = await redis.call("listen");
  const subject = (kind: DriverKind, port: number, serverCpu: Server): Subject => {
    return { kind, serverCpu, client: crew.start<ClientProgram>("client", { kind, ports: [port] } satisfies ClientOptions, clients) };
  };
  const nodeCpu: Server = () => node.call("cpu");
  const redisCpu: Server = () => redis.call("cpu");
  return [
    subject("mesh", meshPort, nodeCpu),
    subject("mesh-bytes", meshPort, nodeCpu),
    subject("echo", echoPort, () => echo.call("cpu")),
    subject("ioredis", redisPort, redisCpu),
    subject("node-redis", redisPort, redisCpu),
    subject("node-redis-timeouts", redisPort, redisCpu),
    subject("redis-bytes", redisPort, redisCpu),
  ];
}

/** Fills the server, then runs each operation: the first reads of a node's entries go to its store. */
async function warmUp({ client }: Subject, phaseMs: number): Promise<void> {
  await client.call("ready");
  await client.call("fill", HOT_ENTRIES);
  for (const operation of OPERATIONS) for (const depth of [DEEPEST, 1]) await client.call("run", operation, depth, phaseMs);
  await client.call("run", "get", DEEPEST, phaseMs);
}

async function measure({ client, serverCpu }: Subject, operation: Operation, depth: number, phaseMs: number): Promise<Sample> {
  const before = await serverCpu();
  const load = await client.call("run", operation, depth, phaseMs);
  const server = (await serverCpu()) - before;
  return { perSecond: (load.operations / load.elapsedMs) * 1000, client: load.cpuMicros / load.operations, server: server / load.operations };
}

async function run({ crew, quick, repetitions, progress }: BenchOptions): Promise<Report> {
  const phaseMs = quick ? QUICK_PHASE_MS : PHASE_MS;
  const pinned = canPin();
  const subjects = await startSubjects(crew, pinned);
  progress("warm-up");
  for (const subject of subjects) await warmUp(subject, quick ? QUICK_PHASE_MS : WARM_UP_MS);
  const samples = new Samples();
  for (let repetition = 0; repetition < repetitions; repetition++) {
    progress(`repetition ${repetition + 1} of ${repetitions}`);
    for (const operation of OPERATIONS) {
      for (const depth of DEPTHS) {
        for (const subject of alternated(subjects, repetition)) samples.add(subject.kind, operation, depth, await measure(subject, operation, depth, phaseMs));
      }
    }
  }
  return report(subjects, samples, pinned);
}

const perSecond = (sample: Sample): number => sample.perSecond;
const bothCpu = (sample: Sample): number => sample.client + sample.server;
const serverCpu = (sample: Sample): number => sample.server;

function ratiosOf(samples: Samples, operation: Operation): Record<string, number> {
  return {
    // The node beside the echo, both driven by the same bare client.
    echo1: samples.ratio(operation, 1, "mesh-bytes", "echo", perSecond),
    echo16: samples.ratio(operation, 16, "mesh-bytes", "echo", perSecond),
    echo128: samples.ratio(operation, 128, "mesh-bytes", "echo", perSecond),
    // The whole of it: sessions of our SDK, beside the echo and its bare client.
    sessionEcho1: samples.ratio(operation, 1, "mesh", "echo", perSecond),
    sessionEcho16: samples.ratio(operation, 16, "mesh", "echo", perSecond),
    sessionEcho128: samples.ratio(operation, 128, "mesh", "echo", perSecond),
    ioredisCpu: samples.ratio(operation, DEEPEST, "ioredis", "mesh", bothCpu),
    nodeRedisCpu: samples.ratio(operation, DEEPEST, "node-redis", "mesh", bothCpu),
    redisServerCpu: samples.ratio(operation, DEEPEST, "redis-bytes", "mesh-bytes", serverCpu),
    nodeRedisTimeoutsCpu: samples.ratio(operation, DEEPEST, "node-redis-timeouts", "mesh", bothCpu),
  };
}

const AIMS: readonly (readonly [ratio: string, aim: number, text: string])[] = [
  ["echo1", 0.9, "throughput, of a plain echo, bare clients, depth 1"],
  ["echo16", 0.75, "throughput, of a plain echo, bare clients, depth 16"],
  ["echo128", 0.5, "throughput, of a plain echo, bare clients, depth 128"],
  ["ioredisCpu", 3, "CPU of client and server: ioredis with Redis, of ours"],
  ["nodeRedisCpu", 2, "CPU of client and server: node-redis with Redis, of ours"],
  ["redisServerCpu", 1, "operations per server CPU second, of redis-server's, bare clients"],
];

function aimsOf(ratios: Readonly<Record<string, number>>, operation: Operation): Aim[] {
  return AIMS.map(([ratio, aim, text]) => ({ name: `${operation.toUpperCase()}: ${text}`, value: ratios[ratio], unit: "×", at: "least", aim }));
}

function report(subjects: readonly Subject[], samples: Samples, pinned: boolean): Report {
  const get = ratiosOf(samples, "get");
  const set = ratiosOf(samples, "set");
  const setRatios = Object.fromEntries(Object.entries(set).map(([name, value]) => [`set${name[0].toUpperCase()}${name.slice(1)}`, value]));
  return {
    ratios: { ...get, ...setRatios },
    aims: [...aimsOf(get, "get"), ...aimsOf(set, "set")],
    figures: figuresOf(subjects, samples),
    notes: [...NOTES, pinned ? PINNED : NOT_PINNED],
  };
}

function figuresOf(subjects: readonly Subject[], samples: Samples): Record<string, unknown> {
  const figures: Record<string, unknown> = {};
  for (const operation of OPERATIONS) {
    for (const depth of DEPTHS) {
      for (const { kind } of subjects) {
        const found = samples.of(kind, operation, depth);
        figures[`${operation} ${depth} ${kind}`] = {
          perSecond: spread(found.map(perSecond)),
          clientCpuMicros: spread(found.map((sample) => sample.client)),
          serverCpuMicros: spread(found.map(serverCpu)),
        };
      }
    }
  }
  return figures;
}

const PINNED = "All servers keep to one processor and all clients to the other.";
const NOT_PINNED =
  "Nothing is pinned to a processor here (taskset and two processors are needed): round trips vary with where the scheduler puts the processes.";
const NOTES = [
  "One TCP connection per client over 127.0.0.1; 8 192 keys of 12 bytes, values of 100 bytes; a mesh of one node, whose store discards the rows that are flushed to it, as if the database were elsewhere.",
  "mesh: sessions of connect(), one per branch; mesh-bytes, redis-bytes and echo: one bare client that sends encoded requests and counts answers.",
  "The echo's frames are as long as a node's in each direction. CPU ratios are at depth 128. redis-server runs without persistence.",
  "node-redis: without its default timer per command, at its best; node-redis-timeouts: as it is by default. Our calls have their timeouts on.",
];

export const hit: Bench = { run };
