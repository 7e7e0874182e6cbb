// One simulated run: the very node code, hosts and clients in a world of seeded delays and faults, roaming workflows in it, and the verdict of
// the checkers.

import { MeshClient } from "../client/mesh-client.js";
import { jsonCodec } from "../client/codec.js";
import type { ClientSession } from "../client/session.js";
import type { Platform } from "../clock.js";
import { formMesh } from "../embedded/start-node.js";
import { MeshError } from "../errors.js";
import type { Host } from "../host/host.js";
import type { Session } from "../mesh.js";
import { within } from "../protocol/ring.js";
import { EMPTY_VECTOR, type Vector } from "../protocol/vector.js";
import { viewIn } from "../protocol/view.js";
import { checkHistory } from "./checkers/check-history.js";
import type { Violation } from "./checkers/violation.js";
import { COUNTER_KEY, SET_KEY } from "./elements.js";
import type { History, Observation, Sample, Write } from "./history.js";
import type { Mutation, Parts } from "./mutation.js";
import { drawOptions, type SimulationOptions } from "./options.js";
import { Recorder } from "./recorder.js";
import { SimulatedClock, type Life } from "./simulated-clock.js";
import { SimulatedMember, type MemberWorld } from "./simulated-member.js";
import { SimulatedStore, StoreContent } from "./simulated-store.js";
import { SimulatedNetwork } from "./simulated-transport.js";
import { Simulation, type Settle } from "./simulation.js";
import { Troublemaker, type UnrestWorld } from "./unrest.js";
import { watchedParts, type WatchedWorld } from "./watched.js";
import { Workflow, type WorkflowWorld } from "./workflow.js";

const SECRET = "a secret of simulated meshes";
/** World time within which everything comes to rest once the faults are over. */
const REST_MS_MAX = 60_000;
/** Rests that may be disturbed. */
const RESTS_MAX = 20;
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
  readonly transactions: number;
  /** Transactions that were given up, by cause; `isExpected`: where the run gives a reason for it. */
  readonly aborts: Readonly<Record<string, number>>;
  readonly trace: readonly string[];
  /** What sessions asked and were told; for other checkers, by `historyLines`. */
  readonly history: History;
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
    stalled = [String((error as Error)?.stack ?? error), ...world.members.map((member) => member.describe())].join("\n");
  }
  world.remember();
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
    transactions: history.transactions.length,
    aborts: history.aborts,
    trace: simulation.trace,
    history,
  };
}

class World implements WorkflowWorld, UnrestWorld, WatchedWorld {
  readonly simulation: Simulation;
  readonly options: SimulationOptions;
  readonly recorder: Recorder;
  readonly network: SimulatedNetwork;
  readonly clients: MeshClient[] = [];
  readonly addresses: readonly string[];
  readonly members: readonly SimulatedMember[];
  readonly keys: readonly string[];
  readonly expiringKeys = ["expiring-0", "expiring-1"];
  readonly #content = new StoreContent();
  readonly #stores: SimulatedStore[] = [];
  readonly #parts: Parts;
  readonly expected = new Map<Session, Write>();

  constructor(simulation: Simulation, options: SimulationOptions, mutation: Mutation | undefined) {
    this.simulation = simulation;
    this.options = options;
    this.recorder = new Recorder(options.padding);
    this.addresses = Array.from({ length: options.nodes + (options.unrest?.spares ?? 0) }, (_, index) => `n${index + 1}`);
    this.keys = Array.from({ length: options.keys }, (_, index) => `k${index}`);
    if (options.unrest?.oneAtATime === false) this.recorder.history.survivors = ["everywhere", "stored"];
    const { padding, unrest, snapshotRetention, snapshotBytes } = options;
    this.recorder.history.mayAbort = padding > 0 || unrest !== undefined || snapshotRetention !== undefined || snapshotBytes !== undefined;
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
    const parts = watchedParts(this);
    this.#parts = { ...parts, ...mutation?.change(parts, { received: (replica) => this.#received(replica) }) };
    const suspectMs = options.unrest?.suspectMs ?? Infinity;
    const members: MemberWorld = {
      network: this.network,
      secret: SECRET,
      cacheBytes: CACHE_BYTES,
      snapshotRetention,
      snapshotBytes,
      suspicion: { suspectMsMin: suspectMs, suspectMsMax: suspectMs * 3, takeOverMs: suspectMs * 10 },
      parts: this.#parts,
      platform: (life) => this.#platform(life),
      store: (name, life) => this.#store(name, life),
      setsClocks: (options.unrest?.clockJumps ?? 0) > 0,
      sleep: (ms) => simulation.sleep(ms),
      stopped: (address, error) => void this.recorder.history.failures.push(`${address} stopped: ${error.message}`),
      note: (line) => simulation.note(line),
    };
    this.members = this.addresses.map((address) => new SimulatedMember(address, members));
  }

  get #hosts(): Host[] {
    return this.members.flatMap(({ host }) => host ?? []);
  }

  get evictions(): number {
    return this.#hosts.reduce((sum, host) => sum + host.node.cache.evictions, 0);
  }

  #received(replica: number): Vector {
    const host = this.#hosts.find((one) => one.replica === replica);
    return host === undefined ? EMPTY_VECTOR : host.node.ring.vector(host.node.received);
  }

  /** Whether a node is a member of the newest view and complete, so that nothing that a session has seen can be unknown to it. */
  mayNotBeBehind(replica: number): boolean {
    const host = this.#hosts.find((one) => one.replica === replica);
    return this.options.unrest === undefined || (host?.isComplete === true && host.node.view.epoch === this.#content.registry?.epoch);
  }

  isComplete(replica: number): boolean {
    return this.#hosts.some((host) => host.replica === replica && host.isComplete);
  }

  /** What any member shows, every member of its view has received; a newcomer counts once it is complete. */
  checkI1(): void {
    const hosts = this.#hosts.filter(({ isComplete, node }) => isComplete && node.view.epoch === this.#content.registry?.epoch);
    for (const { node: showing } of hosts) {
      for (const { node: receiving } of hosts) {
        if (within(showing.applied, receiving.received)) continue;
        const shown = `node ${showing.replica} shows ${showing.applied.join()}`;
        this.recorder.history.failures.push(`I1: ${shown}, of which node ${receiving.replica} has received ${receiving.received.join()}`);
      }
    }
  }

  expectStamp(session: Session, write: Write): void {
    this.expected.set(session, write);
  }

  #platform(life?: Life): Platform & { readonly clock: SimulatedClock } {
    const random = this.simulation.random.split();
    const { clockSkewMs } = this.options;
    const clock = new SimulatedClock(this.simulation, { offsetMs: random.between(-clockSkewMs, clockSkewMs) / 2, drift: random.between(-1e-4, 1e-4) }, life);
    return { clock, random: random.next, entropy: (count) => Uint8Array.from({ length: count }, () => random.int(0, 255)) };
  }

  #store(name: string, life?: Life): SimulatedStore {
    const { storeDelayMs, storeFailureChance } = this.options;
    const store = new SimulatedStore(this.simulation, this.#content, { name, delayMs: storeDelayMs, failureChance: storeFailureChance, life });
    this.#stores.push(store);
    return store;
  }

  async play(): Promise<void> {
    await this.#start();
    const workflows = Array.from({ length: this.options.workflows }, (_, index) => new Workflow(this, `w${index + 1}`).run());
    const sampling = this.#sampleNowAndThen();
    const { unrest, steps, pauseMs } = this.options;
    if (unrest !== undefined) await new Troublemaker(this, unrest).run(steps * pauseMs * 0.8);
    await Promise.all(workflows);
    await sampling;
    this.#content.isAway = false;
    for (const member of this.members) member.heal();
    this.network.calm = true;
    for (const store of this.#stores) store.calm = true;
    this.recorder.history.samples.push(...(await this.#finalSamples()));
  }

  /** Of all nodes at one and the same rest: a write whose answer nobody waits for any more may still arrive, and ends a rest. */
  async #finalSamples(): Promise<Sample[]> {
    for (let attempt = 0; attempt < RESTS_MAX; attempt++) {
      await this.#rest();
      const state = this.#state();
      const up = this.members.filter(({ isUp }) => isUp);
      const samples: (Sample | undefined)[] = [];
      for (const { address } of up) samples.push(await this.#sample(address, true));
      if (state === this.#state() && !samples.includes(undefined)) return samples as Sample[];
    }
    throw new Error(`no rest lasted long enough to look at every node, ${RESTS_MAX} times`);
  }

  /** Changes with every write and every view. */
  #state(): string {
    return JSON.stringify(this.#hosts.map(({ node }) => [node.replica, node.view.epoch, node.counter]));
  }

  /** Tells the history what the mesh has kept of those who have left. */
  remember(): void {
    const { registry, flushed } = this.#content;
    const view = viewIn({ registry, flushed: [...flushed] }, "the simulated store");
    if (view !== undefined) this.recorder.kept(view);
  }

  setAway(isAway: boolean): void {
    this.#content.isAway = isAway;
  }

  isMember({ host }: SimulatedMember): boolean {
    const view = viewIn({ registry: this.#content.registry, flushed: [] }, "the simulated store")!;
    return view.members.some(({ replica }) => replica === host?.replica);
  }

  isSettled(): boolean {
    const hosts = this.#hosts;
    const { registry } = this.#content;
    const view = viewIn({ registry, flushed: [] }, "the simulated store")!;
    return (
      !this.#content.isAway &&
      this.members.every(({ isCut, isBusy }) => !isCut && !isBusy) &&
      view.members.length === hosts.length &&
      hosts.every(({ isComplete, neighbours, node }) => isComplete && neighbours.isLinked && node.view.epoch === registry?.epoch)
    );
  }

  async #start(): Promise<void> {
    const platform = this.#platform();
    const founder = this.#store("founder");
    founder.calm = true;
    const view = await formMesh(founder, this.addresses.slice(0, this.options.nodes), platform);
    for (const { address, replica } of view.members) await this.members.find((member) => member.address === address)!.found(replica);
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
      this.checkI1();
      const samples = await Promise.all(this.addresses.map((address) => this.#sample(address, false)));
      this.recorder.history.samples.push(...samples.filter((sample) => sample !== undefined));
    }
  }

  /** Reads at one node as somebody without a past: some keys at once or, at rest, when one cut follows another, all of them. */
  async #sample(address: string, final: boolean): Promise<Sample | undefined> {
    const session = this.clients[0].session(undefined, { node: address }) as ClientSession;
    const observed: Observation[] = [];
    const settled = this.#settled(address);
    try {
      for (let at = 0; at < (final ? this.keys.length : SAMPLED_AT_ONCE); at += SAMPLED_AT_ONCE) {
        const keys = this.keys.slice(at, at + SAMPLED_AT_ONCE);
        const values = await session.getMany(keys);
        values.forEach((value, index) => observed.push(this.recorder.observe(keys[index], value)));
      }
      if (final) {
        const { elements } = this.recorder;
        observed.push(...elements.observeCount(await session.count(COUNTER_KEY)), ...elements.observeMembers(await session.members(SET_KEY)));
      }
      // What is settled is in the cut without being named.
      if (settled !== this.#settled(address) || session.node !== address) return undefined;
      return { node: session.node, cut: JSON.stringify([session.context().visible, settled]), observed, final };
    } catch (error) {
      if (final || !(error instanceof MeshError)) throw error;
      return undefined;
    }
  }

  #settled(address: string): string {
    const host = this.members.find((member) => member.address === address)?.host;
    return JSON.stringify(host?.node.view.departed.filter(({ settled }) => settled).map(({ replica, final }) => [replica, final]));
  }

  /** Everything is applied everywhere and in the store, and nothing is kept any longer. */
  async #rest(): Promise<void> {
    const { simulation } = this;
    const until = simulation.time + REST_MS_MAX;
    while (!this.#isAtRest()) {
      if (simulation.time > until) throw new Error(`not at rest ${REST_MS_MAX} ms after the last fault`);
      await simulation.sleep(5);
    }
  }

  /** Settled, and what a lost node had was replicated again: a write survives the next loss only from then on. */
  hasRecovered(): boolean {
    return this.isSettled() && this.#hosts.every(({ neighbours, node }) => node.ring.members === 1 || neighbours.hasHandedOver);
  }

  #isAtRest(): boolean {
    if (!this.isSettled()) return false;
    const newest = new Map(this.#hosts.map(({ replica, node }) => [replica, node.counter]));
    return this.#hosts.every(
      ({ node }) =>
        // Those who have left have no place in the vectors any more.
        node.ring.size === node.ring.members &&
        node.pendingWrites === 0 &&
        node.log.length === 0 &&
        node.ring.replicas.every((replica, slot) => node.applied[slot] === newest.get(replica) && node.flushed[slot] === newest.get(replica)),
    );
  }
}
