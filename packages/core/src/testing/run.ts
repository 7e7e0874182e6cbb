// One simulated run: the very node code, hosts and clients in a world of seeded delays and faults, roaming workflows in it, and the verdict of
// the checkers.

import { MeshClient } from "../client/mesh-client.js";
import { jsonCodec } from "../client/codec.js";
import type { Link } from "../client/link.js";
import type { Change } from "../client/call.js";
import { ClientSession } from "../client/session.js";
import type { Platform } from "../clock.js";
import { formMesh, startHost } from "../embedded/start-node.js";
import { MeshError } from "../errors.js";
import type { Host } from "../host/host.js";
import { Loads } from "../host/loads.js";
import type { Session } from "../mesh.js";
import { Node } from "../protocol/node.js";
import type { Segment } from "../protocol/segment.js";
import { EMPTY_VECTOR, type Vector } from "../protocol/vector.js";
import { checkHistory } from "./checkers/check-history.js";
import type { Violation } from "./checkers/violation.js";
import type { Observation, Write } from "./history.js";
import type { Mutation, Parts } from "./mutations.js";
import { drawOptions, type SimulationOptions } from "./options.js";
import { Recorder } from "./recorder.js";
import { SimulatedClock } from "./simulated-clock.js";
import { SimulatedStore, StoreContent } from "./simulated-store.js";
import { SimulatedNetwork } from "./simulated-transport.js";
import { Simulation, type Settle } from "./simulation.js";
import { Workflow, type WorkflowWorld } from "./workflow.js";

const SECRET = "a secret of simulated meshes";
/** World time within which everything comes to rest once the faults are over. */
const REST_MS_MAX = 60_000;
/** As many values as fit into the smallest cache at once. */
const SAMPLED_AT_ONCE = 4;
/** The smallest cache that there is. */
const CACHE_BYTES = 64 * 1024;

export interface RunResult {
  readonly seed: number;
  readonly options: SimulationOptions;
  readonly violations: readonly Violation[];
  readonly operations: number;
  readonly writes: number;
  readonly events: number;
  /** Connections that broke. */
  readonly breaks: number;
  readonly evictions: number;
  readonly trace: readonly string[];
}

export interface RunOptions {
  /** Runs every promise reaction that is due; see `Settle`. */
  readonly settle: Settle;
  readonly mutation?: Mutation;
  /** Keeps a trace of everything. */
  readonly traced?: boolean;
}

/** Runs the simulation with this seed and judges it. */
export async function runSeed(seed: number, { settle, mutation, traced = false }: RunOptions): Promise<RunResult> {
  const simulation = new Simulation(seed, settle, traced);
  const world = new World(simulation, drawOptions(seed), mutation);
  const { history } = world.recorder;
  let stalled: string | undefined;
  try {
    await simulation.run(world.play());
  } catch (error) {
    stalled = String((error as Error)?.stack ?? error);
  }
  world.recorder.finish((bytes) => jsonCodec.decode(bytes));
  if (stalled !== undefined) history.failures.push(stalled);
  return {
    seed,
    options: world.options,
    violations: checkHistory(history),
    operations: history.operations.length,
    writes: history.writes.length,
    events: simulation.events,
    breaks: world.network.breaks,
    evictions: world.evictions,
    trace: simulation.trace,
  };
}

class World implements WorkflowWorld {
  readonly simulation: Simulation;
  readonly options: SimulationOptions;
  readonly recorder: Recorder;
  readonly network: SimulatedNetwork;
  readonly clients: MeshClient[] = [];
  readonly addresses: readonly string[];
  readonly keys: readonly string[];
  readonly expiringKeys = ["expiring-0", "expiring-1"];
  readonly #content = new StoreContent();
  readonly #stores: SimulatedStore[] = [];
  readonly #hosts: Host[] = [];
  readonly #parts: Parts;
  readonly #expected = new Map<Session, Write>();

  constructor(simulation: Simulation, options: SimulationOptions, mutation: Mutation | undefined) {
    this.simulation = simulation;
    this.options = options;
    this.recorder = new Recorder(options.padding);
    this.addresses = Array.from({ length: options.nodes }, (_, index) => `n${index + 1}`);
    this.keys = Array.from({ length: options.keys }, (_, index) => `k${index}`);
    this.#content.onApply = (content) => this.recorder.stored(content, simulation.time);
    const { random } = simulation;
    this.network = new SimulatedNetwork(simulation, {
      behaviour: () => ({
        delayMs: random.magnitude(options.delayMsMin, options.delayMsMax),
        cutChance: options.cutChance,
        holdChance: options.holdChance,
        stallChance: options.stallChance,
        stallMs: options.delayMsMax * 10,
      }),
      breakChance: options.breakChance,
    });
    const parts = this.#watched();
    this.#parts = { ...parts, ...mutation?.change(parts, { received: (replica) => this.#received(replica) }) };
  }

  get evictions(): number {
    return this.#hosts.reduce((sum, host) => sum + host.node.cache.evictions, 0);
  }

  #received(replica: number): Vector {
    const host = this.#hosts.find((one) => one.replica === replica);
    return host === undefined ? EMPTY_VECTOR : host.node.ring.vector(host.node.received);
  }

  /** The classes of production, with ears: no node is ever behind here (I3), nodes receive vectors, and sessions are told the stamps of their writes. */
  #watched(): Parts {
    const { recorder } = this;
    const expected = this.#expected;
    return {
      Loads,
      Node: class extends Node {
        override learn(visible: Vector, written: Vector, time: number): void {
          try {
            super.learn(visible, written, time);
          } catch (error) {
            recorder.history.failures.push(`I3: node ${this.replica}: ${String(error)}`);
            throw error;
          }
        }
        override receive(segment: Segment): void {
          super.receive(segment);
          const { replicas } = this.ring;
          recorder.received(
            replicas[segment.origin],
            segment.first,
            segment.last,
            Object.fromEntries(segment.vector.map((counter, index) => [replicas[index], counter])),
          );
        }
      },
      Session: class extends ClientSession {
        override wrote(link: Link, counter: number, timestamp: number, changes: readonly Change[]): void {
          const write = expected.get(this);
          expected.delete(this);
          if (write !== undefined) recorder.stamped(write, { replica: link.replica, counter, timestamp });
          super.wrote(link, counter, timestamp, changes);
        }
      },
    };
  }

  expectStamp(session: Session, write: Write): void {
    this.#expected.set(session, write);
  }

  #platform(): Platform {
    const random = this.simulation.random.split();
    const { clockSkewMs } = this.options;
    const clock = new SimulatedClock(this.simulation, { offsetMs: random.between(-clockSkewMs, clockSkewMs) / 2, drift: random.between(-1e-4, 1e-4) });
    return { clock, random: random.next, entropy: (count) => Uint8Array.from({ length: count }, () => random.int(0, 255)) };
  }

  #store(name: string): SimulatedStore {
    const { storeDelayMs, storeFailureChance } = this.options;
    const store = new SimulatedStore(this.simulation, this.#content, { name, delayMs: storeDelayMs, failureChance: storeFailureChance });
    this.#stores.push(store);
    return store;
  }

  async play(): Promise<void> {
    await this.#start();
    const workflows = Array.from({ length: this.options.workflows }, (_, index) => new Workflow(this, `w${index + 1}`).run());
    const sampling = this.#sampleNowAndThen();
    await Promise.all(workflows);
    await sampling;
    this.network.calm = true;
    for (const store of this.#stores) store.calm = true;
    await this.#rest();
    for (const address of this.addresses) await this.#sample(address, true);
  }

  async #start(): Promise<void> {
    const platform = this.#platform();
    const founder = this.#store("founder");
    founder.calm = true;
    const view = await formMesh(founder, this.addresses, platform);
    for (const { address, replica } of view.members) {
      const store = this.#store(`store of ${address}`);
      store.calm = true;
      const onFatal = (error: Error): void => void this.recorder.history.failures.push(`${address} stopped: ${error.message}`);
      this.#hosts.push(
        await startHost(
          { store, transport: this.network.transport(address), address, replica, secret: SECRET, cacheBytes: CACHE_BYTES, onFatal, platform: this.#platform() },
          this.#parts,
        ),
      );
      store.calm = false;
    }
    for (let index = 0; index < this.options.clients; index++) {
      const client = new MeshClient(
        {
          addresses: this.addresses,
          transport: this.network.transport(`c${index + 1}`),
          platform: this.#platform(),
          secret: SECRET,
          retryWrites: false,
          timeoutMs: 20_000,
        },
        this.#parts,
      );
      await client.ready({ timeoutMs: 60_000 });
      this.clients.push(client);
    }
  }

  async #sampleNowAndThen(): Promise<void> {
    for (let index = 0; index < 4; index++) {
      await this.simulation.sleep(this.options.pauseMs * this.options.steps * 0.2);
      await Promise.all(this.addresses.map((address) => this.#sample(address, false)));
    }
  }

  /** Reads at one node as somebody without a past: some keys at once or, at rest, when one cut follows another, all of them. */
  async #sample(address: string, final: boolean): Promise<void> {
    const session = this.clients[0].session(undefined, { node: address }) as ClientSession;
    const observed: Observation[] = [];
    try {
      for (let at = 0; at < (final ? this.keys.length : SAMPLED_AT_ONCE); at += SAMPLED_AT_ONCE) {
        const keys = this.keys.slice(at, at + SAMPLED_AT_ONCE);
        const values = await session.getMany(keys);
        values.forEach((value, index) => observed.push(this.recorder.observe(keys[index], value)));
      }
      this.recorder.history.samples.push({ node: session.node, cut: JSON.stringify(session.context().visible), observed, final });
    } catch (error) {
      if (final || !(error instanceof MeshError)) throw error;
    }
  }

  /** Everything is applied everywhere and in the store, and nothing is kept any longer. */
  async #rest(): Promise<void> {
    const { simulation } = this;
    const until = simulation.time + REST_MS_MAX;
    while (!this.#isAtRest()) {
      if (simulation.time > until)
        throw new Error(`not at rest ${REST_MS_MAX} ms after the last fault: ${this.#hosts.map((host) => JSON.stringify(host.status())).join("\n")}`);
      await simulation.sleep(5);
    }
  }

  #isAtRest(): boolean {
    const newest = this.#hosts.map((host) => host.node.counter).join();
    return this.#hosts.every(
      ({ node }) => node.applied.join() === newest && node.flushed.join() === newest && node.pendingWrites === 0 && node.log.length === 0,
    );
  }
}
