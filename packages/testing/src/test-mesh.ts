// A whole mesh for one unit test: the nodes, clients and sessions of production, in a world whose time, network and store are the test's. What
// that world is made of is the core's simulator; this file owns what users order of it, and what they may ask.

import {
  connectMesh,
  formMesh,
  MeshError,
  startNode,
  systemPlatform,
  type Mesh,
  type MeshOptions,
  type Platform,
  type RunningNode,
  type Session,
  type StartNodeOptions,
} from "@causalmesh/core";
import { SimulatedClock, SimulatedNetwork, SimulatedStore, Simulation, StoreContent, type Life } from "@causalmesh/core/testing";
import { isDeepStrictEqual } from "node:util";

/** Options of `testMesh`. */
export interface TestMeshOptions {
  /** Default 3. */
  readonly nodes?: number;
  /** Decides about everything that is random in the world, so that a run can be had again. Default: another one each time; a failure names it. */
  readonly seed?: number;
  /** What a message takes from one participant to another in virtual milliseconds, give or take a half. Default 1. */
  readonly delayMs?: number;
  /** What one call of the store takes. Default 1. */
  readonly storeDelayMs?: number;
  /** Options of the nodes. With `snapshotRetention: 0` the snapshot of a transaction is too old as soon as somebody writes what it has still to read. */
  readonly node?: Pick<StartNodeOptions, "snapshotRetention" | "snapshotBytes" | "cacheBytes" | "cacheEntries" | "readThrough">;
  /** Options of the meshes that clients get. */
  readonly mesh?: Omit<MeshOptions, "secret">;
}

/** A mesh in a world of its own. Times are virtual milliseconds, which pass only while the test awaits something. */
export interface TestMesh {
  /** A client of the mesh. */
  readonly mesh: Mesh;
  /** Addresses of the nodes: `node-1`, `node-2` … */
  readonly nodes: readonly string[];
  readonly seed: number;
  /** Virtual milliseconds since the world began. */
  readonly now: number;
  /** Lets time pass. */
  sleep(ms: number): Promise<void>;
  /** Another program with a client of its own, for `delay` and `cut` known by this name. */
  connect(name: string): Promise<Mesh>;
  /** What messages between the two take from now on, in either direction; connections that are there are slow too. */
  delay(a: string, b: string, ms: number): void;
  /** Cuts a node or a client off: what is sent to it and by it is lost, and nobody is told. The others go on without a node after some seconds. */
  cut(name: string): void;
  /** It is reached again. A node that the others have gone on without joins anew. */
  heal(name: string): void;
  /** Ends a node's process at once. */
  kill(node: string): void;
  /** Starts a node that was killed; resolves when it serves sessions. */
  restart(node: string): Promise<void>;
  /** Whether the store can be reached, by all nodes. */
  storeIsAway(away: boolean): void;
  /**
   * Resolves when a session that goes on from this one, or from its token, sees these values at each node that runs and is not cut off; rejects with an
   * error that names the node, the key and what is there instead. `undefined` stands for a key that is absent.
   */
  assertSees(session: Session | string, expected: Readonly<Record<string, unknown>>): Promise<void>;
}

/**
 * Runs a test in a world of its own and resolves with what it returns. Rejects with what it throws, with the seed added, or where a node has met
 * a broken invariant. Nothing is left when it is over. What the test awaits besides the mesh, such as a server of its own, gets its time too, while virtual time runs on.
 */
export async function testMesh<Result>(test: (world: TestMesh) => Promise<Result>, options: TestMeshOptions = {}): Promise<Result> {
  const seed = options.seed ?? Math.floor(Math.random() * 2 ** 31);
  const simulation = new Simulation(seed, () => new Promise((resolve) => setImmediate(resolve)));
  const world = new World(simulation, seed, options);
  try {
    return await simulation.run(Promise.race([world.broken, world.play(test)]));
  } catch (error) {
    if (error instanceof Error) error.message += `\n(in testMesh with seed ${seed}, after ${Math.round(simulation.time)} virtual ms)`;
    throw error;
  }
}

const SECRET = "a secret of test meshes";

/** One participant's process. */
interface Running {
  readonly life: Life;
  readonly node: RunningNode;
}

class World implements TestMesh {
  readonly nodes: readonly string[];
  readonly seed: number;
  /** Rejects where a node has stopped by itself. */
  readonly broken: Promise<never>;
  mesh!: Mesh;
  #break!: (error: Error) => void;
  readonly #simulation: Simulation;
  readonly #options: TestMeshOptions;
  readonly #network: SimulatedNetwork;
  readonly #content = new StoreContent();
  readonly #delays = new Map<string, number>();
  readonly #running = new Map<string, Running>();
  readonly #clients = new Set<string>();
  readonly #cut = new Set<string>();

  constructor(simulation: Simulation, seed: number, options: TestMeshOptions) {
    const { nodes = 3, delayMs = 1 } = options;
    if (!Number.isInteger(nodes) || nodes < 1) throw new MeshError("OPTION_INVALID", `nodes is ${nodes}; give a whole number from 1`);
    this.seed = seed;
    this.nodes = Array.from({ length: nodes }, (_, index) => `node-${index + 1}`);
    this.broken = new Promise((_, reject) => (this.#break = reject));
    // Whoever awaits the race gets it; a world that ends before is not broken.
    this.broken.catch(() => {});
    this.#simulation = simulation;
    this.#options = options;
    const delays = this.#delays;
    this.#network = new SimulatedNetwork(simulation, {
      behaviour: (from, to) => ({
        // Asked for each delivery, so that the test can change it.
        get delayMs() {
          return delays.get(linkName(from, to)) ?? delayMs;
        },
        cutChance: 0,
        holdChance: 0,
        stallChance: 0,
        stallMs: 0,
      }),
      breakChance: 0,
    });
  }

  async play<Result>(test: (world: TestMesh) => Promise<Result>): Promise<Result> {
    const platform = this.#platform({ alive: true });
    const { members } = await formMesh(this.#store(), this.nodes, platform);
    await Promise.all(members.map(({ address, replica }) => this.#start(address, replica)));
    this.mesh = await this.connect("client");
    return await test(this);
  }

  #platform(life: Life): Platform {
    const { random } = this.#simulation;
    return {
      ...systemPlatform,
      clock: new SimulatedClock(this.#simulation, { offsetMs: 0, drift: 0 }, life),
      random: () => random.next(),
      entropy: (count) => Uint8Array.from({ length: count }, () => random.int(0, 255)),
    };
  }

  #store(): SimulatedStore {
    const { storeDelayMs = 1 } = this.#options;
    return new SimulatedStore(this.#simulation, this.#content, { name: "the store of testMesh", delayMs: storeDelayMs, failureChance: 0 });
  }

  async #start(address: string, replica: number | undefined): Promise<void> {
    const life = { alive: true };
    const node = await startNode({
      ...this.#options.node,
      store: this.#store(),
      transport: this.#network.transport(address, life),
      address,
      replica,
      secret: SECRET,
      platform: this.#platform(life),
      onFatal: (error) => life.alive && this.#break(error),
    });
    this.#running.set(address, { life, node });
  }

  get now(): number {
    return this.#simulation.time;
  }

  sleep(ms: number): Promise<void> {
    return this.#simulation.sleep(ms);
  }

  async connect(name: string): Promise<Mesh> {
    if (this.#clients.has(name) || this.nodes.includes(name)) throw new MeshError("OPTION_INVALID", `there is a ${name} already; give another name`);
    this.#clients.add(name);
    const life = { alive: true };
    return await connectMesh({ ...this.#options.mesh, secret: SECRET, nodes: this.nodes }, this.#network.transport(name, life), this.#platform(life));
  }

  delay(a: string, b: string, ms: number): void {
    for (const [from, to] of [
      [a, b],
      [b, a],
    ])
      this.#delays.set(linkName(this.#known(from), this.#known(to)), ms);
  }

  cut(name: string): void {
    this.#cut.add(this.#known(name));
    this.#network.cut(name);
  }

  heal(name: string): void {
    this.#cut.delete(this.#known(name));
    this.#network.heal(name);
  }

  kill(node: string): void {
    const running = this.#running.get(node);
    if (running === undefined) throw new MeshError("OPTION_INVALID", `${node} is no node that runs: ${[...this.#running.keys()].join(", ")}`);
    this.#running.delete(node);
    this.#network.kill(running.life, false);
  }

  async restart(node: string): Promise<void> {
    if (!this.nodes.includes(node) || this.#running.has(node)) throw new MeshError("OPTION_INVALID", `${node} is no node that was killed`);
    await this.#start(node, undefined);
  }

  storeIsAway(away: boolean): void {
    this.#content.isAway = away;
  }

  #known(name: string): string {
    if (this.nodes.includes(name) || this.#clients.has(name)) return name;
    throw new MeshError("OPTION_INVALID", `${name} is no participant; there are ${[...this.nodes, ...this.#clients].join(", ")}`);
  }

  async assertSees(session: Session | string, expected: Readonly<Record<string, unknown>>): Promise<void> {
    const token = typeof session === "string" ? session : await session.token();
    const keys = Object.keys(expected);
    for (const node of this.#running.keys()) {
      if (this.#cut.has(node)) continue;
      const reader = this.mesh.session(token, { node });
      const values = await reader.getMany(keys);
      for (const [index, key] of keys.entries()) {
        if (!isDeepStrictEqual(values[index], expected[key]))
          throw new Error(`the session should see ${key} as ${shown(expected[key])} at ${node}, and sees ${shown(values[index])} at ${reader.node}`);
      }
    }
  }
}

function linkName(from: string, to: string): string {
  return `${from}>${to}`;
}

function shown(value: unknown): string {
  return value === undefined ? "absent" : (JSON.stringify(value) ?? String(value));
}
