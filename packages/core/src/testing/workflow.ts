// One roaming workflow of a simulated run: it reads and writes, goes on elsewhere with its token, forks and joins, and notes all of it.

import { MeshError } from "../errors.js";
import type { Durability, Session } from "../mesh.js";
import type { MeshClient } from "../client/mesh-client.js";
import { COUNTER_KEY, SET_KEY } from "./elements.js";
import type { Write } from "./history.js";
import type { SeededRandom } from "./random.js";
import type { Recorder } from "./recorder.js";
import type { Simulation } from "./simulation.js";
import type { SimulationOptions } from "./options.js";
import { Transacting } from "./transacting.js";

/** Codes that the faults of a run excuse. Whatever else a call fails with is a finding. */
const EXCUSED = new Set(["TIMEOUT", "NODE_UNREACHABLE", "OUTCOME_UNKNOWN", "STORE_UNAVAILABLE", "PROTOCOL"]);
/** Beside them, where nodes come and go: every node that was asked was not, or not yet, one of the mesh. */
const EXCUSED_IN_UNREST = new Set(["NODE_BEHIND"]);
/** Beside them, what a cache that holds a handful of values answers when more are asked for at once. */
const CACHE_TOO_SMALL = "OVERLOADED";
const DURABILITIES: readonly Durability[] = ["memory", "memory", "replicated", "everywhere", "stored"];
const TTLS_MS = [5, 50, 500];
/** What clocks drift apart in the longest runs. */
const DRIFT_MS_MAX = 50;

export interface WorkflowWorld {
  readonly simulation: Simulation;
  readonly options: SimulationOptions;
  readonly recorder: Recorder;
  readonly clients: readonly MeshClient[];
  readonly addresses: readonly string[];
  readonly keys: readonly string[];
  /** Keys whose values expire; apart, so that samples of the others depend on no clock. */
  readonly expiringKeys: readonly string[];
  /** The session notes the stamp of this write when it is told. */
  expectStamp(session: Session, write: Write): void;
}

export class Workflow {
  readonly #world: WorkflowWorld;
  readonly #random: SeededRandom;
  readonly #name: string;
  #session: Session;
  /** Changes whenever the session is another one for the history. */
  #label: string;
  #branches = 0;

  constructor(world: WorkflowWorld, name: string) {
    this.#world = world;
    this.#random = world.simulation.random.split();
    this.#name = name;
    this.#label = name;
    this.#session = this.#random.pick(world.clients).session(undefined, { node: this.#random.pick(world.addresses) });
    world.recorder.history.begin(name);
  }

  async run(): Promise<void> {
    const { simulation, options } = this.#world;
    for (let step = 0; step < options.steps; step++) {
      if (this.#random.chance(0.7)) await simulation.sleep(options.pauseMs * this.#random.between(0, 2));
      if (this.#random.chance(options.roamChance)) await this.#roam();
      if (this.#random.chance(0.06)) await this.#forkAndJoin();
      else if (this.#random.chance(options.transactionShare)) await this.#transact();
      else if (options.mergeShare > 0 && this.#random.chance(options.mergeShare)) await this.#excused(async () => await this.#merge());
      else await this.#act();
    }
  }

  async #transact(): Promise<void> {
    const owner = {
      label: this.#label,
      durability: this.#random.pick(DURABILITIES),
      pauseMs: this.#world.options.pauseMs,
      failed: (error: unknown) => this.#failed(error),
    };
    this.#session = await new Transacting(this.#world, this.#random.split(), owner, this.#session.begin()).run();
  }

  async #act(): Promise<void> {
    const isWrite = this.#random.chance(this.#world.options.writeShare);
    await this.#excused(async () => await (isWrite ? this.#write() : this.#read()));
  }

  async #excused(call: () => Promise<void>): Promise<void> {
    try {
      await call();
    } catch (error) {
      this.#failed(error);
    }
  }

  async #merge(): Promise<void> {
    const { recorder, simulation, options } = this.#world;
    const { history, elements } = recorder;
    const session = this.#session;
    const atMs = simulation.time;
    if (this.#random.chance(options.writeShare)) {
      const durability = this.#random.pick(DURABILITIES);
      const kind = elements.kind(this.#random.next());
      const write = recorder.open(this.#label, session.node, [elements.keyOf(kind, history.writes.length)], atMs, { durability });
      elements.add(kind, write);
      await this.#record(write, async () =>
        kind === "counter"
          ? await session.increment(COUNTER_KEY, elements.amountOf(write), { durability })
          : await session.addMembers(SET_KEY, [elements.memberOf(write)], { durability }),
      );
    } else {
      const observed = this.#random.chance(0.5)
        ? elements.observeCount(await session.count(COUNTER_KEY))
        : elements.observeMembers(await session.members(SET_KEY));
      simulation.note(() => `${this.#label} read ${observed.map((one) => one.write ?? "-").join(" ")} of what merges at ${session.node}`);
      history.read(this.#label, session.node, observed, atMs, simulation.time);
    }
  }

  /** The calls that a fault may excuse are over; others are findings. */
  #failed(error: unknown): void {
    const { unrest } = this.#world.options;
    if (error instanceof MeshError && unrest !== undefined && EXCUSED_IN_UNREST.has(error.code)) return;
    if (error instanceof MeshError && (EXCUSED.has(error.code) || (error.code === CACHE_TOO_SMALL && this.#world.options.padding > 0))) return;
    this.#world.recorder.history.failures.push(
      `${this.#label} at ${this.#session.node}: ${error instanceof MeshError ? `${error.code}: ${error.message}` : String((error as Error)?.stack ?? error)}`,
    );
  }

  async #roam(): Promise<void> {
    const { clients, addresses } = this.#world;
    try {
      const token = await this.#session.token();
      this.#session = this.#random.pick(clients).session(token, { node: this.#random.pick(addresses) });
    } catch (error) {
      if (!(error instanceof MeshError && error.code === "TOKEN_TOO_LARGE")) throw error;
    }
  }

  /** Two branches at random nodes, one write or read each, joined by their tokens. */
  async #forkAndJoin(): Promise<void> {
    const { recorder, clients, addresses } = this.#world;
    const parent = this.#label;
    const branches = [0, 1].map(() => {
      const branch = new Workflow(this.#world, `${this.#name}.${++this.#branches}`);
      branch.#session = this.#session.fork();
      recorder.history.begin(branch.#label, [parent]);
      return branch;
    });
    await Promise.all(
      branches.map(async (branch) => {
        await branch.#roam();
        await branch.#act();
      }),
    );
    const tokens = await Promise.all(branches.map((branch) => branch.#session.token().catch(() => undefined)));
    if (tokens.some((token) => token === undefined)) return;
    this.#session = this.#random.pick(clients).session(tokens as string[], { node: this.#random.pick(addresses) });
    this.#label = `${this.#name}.${++this.#branches}`;
    recorder.history.begin(
      this.#label,
      branches.map((branch) => branch.#label),
    );
  }

  async #write(): Promise<void> {
    const { recorder, simulation, keys, options, expiringKeys } = this.#world;
    const durability = this.#random.pick(DURABILITIES);
    const session = this.#session;
    const draw = this.#random.next();
    // A deletion has no value by which it would be known when it is made again.
    if (draw < 0.12 && options.unrest === undefined) {
      const key = this.#random.pick(keys);
      if (!recorder.mayDelete(key)) return;
      await this.#record(recorder.open(this.#label, session.node, [key], simulation.time, { durability, deletion: true }), () =>
        session.delete(key, { durability }),
      );
    } else if (draw < 0.2) {
      const key = this.#random.pick(expiringKeys);
      const ttl = this.#random.pick(TTLS_MS);
      // Clocks differ by this much, and drift a little.
      const from = simulation.time + ttl - options.clockSkewMs - DRIFT_MS_MAX;
      const write = recorder.open(this.#label, session.node, [key], simulation.time, { durability, expiresFromMs: from });
      await this.#record(write, () => session.set(key, recorder.valueOf(write), { durability, ttl }));
    } else if (draw < 0.4) {
      const chosen = this.#random.sample(keys, this.#random.int(2, 3));
      const write = recorder.open(this.#label, session.node, chosen, simulation.time, { durability });
      await this.#record(write, () =>
        session.setMany(
          chosen.map((key) => [key, recorder.valueOf(write)] as const),
          { durability },
        ),
      );
    } else {
      const key = this.#random.pick(keys);
      const write = recorder.open(this.#label, session.node, [key], simulation.time, { durability });
      await this.#record(write, () => session.set(key, recorder.valueOf(write), { durability }));
    }
  }

  async #record(write: Write, call: () => Promise<void>): Promise<void> {
    const { recorder, simulation } = this.#world;
    this.#world.expectStamp(this.#session, write);
    simulation.note(() => `${this.#label} writes #${write.id} ${write.keys.join(" ")} at ${this.#session.node}`);
    try {
      await call();
    } catch (error) {
      recorder.close(write, "unknown", simulation.time);
      throw error;
    }
    recorder.close(write, "done", simulation.time);
    simulation.note(() => `${this.#label} was told #${write.id} = ${write.stamp?.replica}:${write.stamp?.counter}`);
  }

  async #read(): Promise<void> {
    const { recorder, simulation, keys, expiringKeys } = this.#world;
    const session = this.#session;
    const atMs = simulation.time;
    const draw = this.#random.next();
    const key = this.#random.chance(0.1) ? this.#random.pick(expiringKeys) : this.#random.pick(keys);
    const asked = draw < 0.5 ? this.#random.sample(keys, this.#random.int(2, 4)) : [key];
    const observed =
      draw < 0.5
        ? (await session.getMany(asked)).map((value, index) => recorder.observe(asked[index], value))
        : draw < 0.7
          ? [recorder.observe(key, await session.get(key))]
          : [recorder.observeEntry(key, await session.getEntry(key))];
    simulation.note(() => `${this.#label} read ${observed.map((one) => `${one.key}=${one.write ?? "-"}`).join(" ")} at ${session.node}`);
    recorder.history.read(this.#label, session.node, observed, atMs, simulation.time);
  }
}
