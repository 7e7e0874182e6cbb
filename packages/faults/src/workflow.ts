// A workflow on a real mesh: it reads and writes at every durability level, goes on elsewhere with its token, forks and joins, leaves tokens behind or gives them to another process, and notes all of it.

import { setTimeout as sleep } from "node:timers/promises";
import { inspectToken, MeshError, type Durability, type Mesh, type Session } from "@causalmesh/core";
import type { SeededRandom, Stamp } from "@causalmesh/core/testing";
import { valueOf, type Notebook, type NotedWrite } from "./recording.js";

/**
 * What a fault may answer a call with. Whatever else it fails with is a finding. A node that begins from the store does not know what the keys were
 * before, and there may be no other to ask.
 */
const EXCUSED: readonly string[] = ["TIMEOUT", "NODE_UNREACHABLE", "OUTCOME_UNKNOWN", "STORE_UNAVAILABLE", "PROTOCOL", "SNAPSHOT_TOO_OLD"];
const DURABILITIES: readonly Durability[] = ["memory", "replicated", "everywhere", "stored"];

export interface WorkflowOptions {
  readonly name: string;
  readonly recording: Notebook;
  readonly random: SeededRandom;
  /** The programs that it roams between. Each with `retryWrites: false`: a write that was made twice has two names. */
  readonly meshes: readonly Mesh[];
  readonly addresses: readonly string[];
  readonly pauseMsMax: number;
  readonly paddingBytesMax: number;
  /** Where it goes on from, with a past that the recording knows nothing of. */
  readonly token?: string;
  /** Chance of a step that forks and joins. */
  readonly forkChance?: number;
  /** Other processes, which take sessions over. */
  readonly others?: Exchange;
  /** Codes that are excused here beside those that any fault may cause. */
  readonly excused?: readonly string[];
}

/** Sessions on their way between processes. */
export interface Exchange {
  give(held: HeldToken): void;
  /** One that another process has given; undefined where there is none. */
  take(): HeldToken | undefined;
}

/** A session as somebody holds it who has its token. */
export interface HeldToken {
  readonly label: string;
  readonly token: string;
}

/** A call that failed, by the node that was asked last. */
export interface FailedCall {
  readonly code: string;
  readonly node: string;
  readonly message: string;
}

export class Workflow {
  readonly #options: WorkflowOptions;
  #label: string;
  readonly #held: HeldToken[] = [];
  /** Timestamps of the own writes in all tokens that its session has had. */
  readonly #known: Set<number>;
  #session: Session;
  #branches = 0;
  #stopped = false;
  /** Calls that were answered. */
  answered = 0;
  /** Answers with an error that a fault excuses. */
  readonly excused: FailedCall[];

  constructor(options: WorkflowOptions, trunk?: Workflow) {
    this.#options = options;
    this.excused = trunk === undefined ? [] : trunk.excused;
    this.#known = new Set(trunk === undefined ? [] : trunk.#known);
    this.#label = options.recording.begin(options.name, trunk === undefined ? [] : [trunk.#label]);
    this.#session = trunk === undefined ? this.#begin(options.token) : trunk.#session.fork();
  }

  #begin(token?: string | readonly string[]): Session {
    const { random, meshes, addresses } = this.#options;
    for (const one of [token ?? []].flat()) this.#meet(one);
    return random.pick(meshes).session(token, { node: random.pick(addresses) });
  }

  /** No call begins after this. */
  stop(): void {
    this.#stopped = true;
  }

  async run(): Promise<void> {
    const { random, pauseMsMax, forkChance = 0 } = this.#options;
    while (!this.#stopped) {
      await sleep(random.between(0, pauseMsMax));
      if (random.chance(0.4)) await this.#roam();
      if (random.chance(forkChance)) await this.#forkAndJoin();
      else await this.#act();
    }
  }

  /** The tokens that it left behind, and the newest. */
  async tokens(): Promise<readonly HeldToken[]> {
    await this.#leaveToken();
    return this.#held;
  }

  async #act(): Promise<void> {
    const { random } = this.#options;
    try {
      if (random.chance(0.2)) await this.#transact();
      else if (random.chance(0.5)) await this.#read();
      else await this.#write();
      this.answered += 1;
    } catch (error) {
      this.#failed(error);
    }
  }

  #failed(error: unknown): void {
    const code = error instanceof MeshError ? error.code : String(error);
    const { recording, excused = [] } = this.#options;
    const { node } = this.#session;
    const { message, cause } = error as Error;
    if (EXCUSED.includes(code) || excused.includes(code))
      this.excused.push({ code, node, message: `${message} (${cause instanceof Error ? cause.message : "no cause"})` });
    else recording.fail(`${this.#label} at ${node}: ${code}: ${message}`);
  }

  async #roam(): Promise<void> {
    const { random, others } = this.#options;
    const token = await this.#token();
    if (token === undefined) return;
    if (others !== undefined && random.chance(0.2)) this.#exchange(token, others);
    else this.#session = this.#begin(token);
    if (random.chance(0.1)) await this.#leaveToken();
  }

  /** Gives its session away, and goes on with another one. */
  #exchange(token: string, others: Exchange): void {
    const { name, recording } = this.#options;
    others.give({ label: this.#label, token });
    const taken = others.take();
    this.#label = recording.begin(name, taken === undefined ? [] : [taken.label]);
    this.#session = this.#begin(taken?.token);
  }

  /** Two branches at random nodes, one call each, joined by their tokens. */
  async #forkAndJoin(): Promise<void> {
    const { name, recording } = this.#options;
    const branches = [1, 2].map(() => new Workflow({ ...this.#options, name: `${name}b${++this.#branches}`, others: undefined }, this));
    const tokens = await Promise.all(branches.map((branch) => branch.#branch()));
    this.answered += branches.reduce((sum, { answered }) => sum + answered, 0);
    const joined = tokens.filter((token) => token !== undefined);
    if (joined.length < tokens.length) return;
    this.#session = this.#begin(joined);
    this.#label = recording.begin(
      name,
      branches.map((branch) => branch.#label),
    );
  }

  async #branch(): Promise<string | undefined> {
    await this.#roam();
    await this.#act();
    return await this.#token();
  }

  async #leaveToken(): Promise<void> {
    const token = await this.#token();
    if (token !== undefined) this.#held.push({ label: this.#options.recording.begin(`${this.#label} token`, [this.#label]), token });
  }

  #meet(token: string): void {
    for (const { timestamp } of inspectToken(token).own) this.#known.add(timestamp);
  }

  /** undefined while its own writes are too many to travel. */
  async #token(): Promise<string | undefined> {
    try {
      return await this.#session.token();
    } catch (error) {
      if ((error as MeshError).code === "TOKEN_TOO_LARGE") return undefined;
      throw error;
    }
  }

  async #read(): Promise<void> {
    const { random, recording } = this.#options;
    const keys = random.sample(recording.keys, random.int(1, 4));
    const values = await this.#session.getMany(keys);
    recording.read(this.#label, this.#session.node, keys, values);
  }

  async #write(): Promise<void> {
    const { random, recording } = this.#options;
    const durability = random.pick(DURABILITIES);
    const keys = random.sample(recording.keys, random.int(1, 3));
    const deletion = random.chance(0.05) ? recording.openDeletion(this.#label, this.#session.node, keys[0], durability) : undefined;
    if (deletion !== undefined) {
      await this.#writing(deletion, durability, () => this.#session.delete(keys[0], { durability }));
      return;
    }
    const write = recording.open(this.#label, this.#session.node, keys, durability);
    const padding = random.int(0, this.#options.paddingBytesMax);
    await this.#writing(write, durability, () =>
      this.#session.setMany(
        keys.map((key) => [key, valueOf(write, padding)]),
        { durability },
      ),
    );
  }

  /** Reads, goes on elsewhere, reads again and writes; all that it read is judged as one read. */
  async #transact(): Promise<void> {
    const { random, recording, meshes, addresses } = this.#options;
    const durability = random.pick(DURABILITIES);
    const keys = random.sample(recording.keys, random.int(2, 5));
    let transaction = this.#session.begin();
    try {
      const values = await transaction.getMany(keys.slice(1));
      if (random.chance(0.7)) {
        transaction = random.pick(meshes).transaction(await transaction.token(), { node: random.pick(addresses) });
        this.#session = transaction.session;
      }
      values.unshift(await transaction.get(keys[0]));
      recording.read(this.#label, this.#session.node, keys, values);
      const written = random.sample(recording.keys, random.int(1, 3));
      const write = recording.open(this.#label, this.#session.node, written, durability);
      const padding = random.int(0, this.#options.paddingBytesMax);
      await transaction.setMany(written.map((key) => [key, valueOf(write, padding)]));
      await this.#writing(write, durability, async () => void (await transaction.commit({ durability })));
    } finally {
      transaction.rollback();
    }
  }

  async #writing(write: NotedWrite, durability: Durability, make: () => Promise<void>): Promise<void> {
    const { recording } = this.#options;
    try {
      await make();
    } catch (error) {
      recording.close(write, "unknown");
      throw error;
    }
    recording.close(write, "done", await this.#stampOf(write));
    recording.acknowledged(this.#label, durability);
  }

  /**
   * What the session's token says about its newest write, for as long as it carries it. One that was made before, and is carried for longer than this one,
   * is not it; nor is one like that which died with its node and was made again meanwhile, under the timestamp that it had.
   */
  async #stampOf({ keys }: NotedWrite): Promise<Stamp | undefined> {
    const token = await this.#token();
    const own = token === undefined ? undefined : inspectToken(token).own.at(-1);
    const isNew = own !== undefined && !this.#known.has(own.timestamp);
    if (token !== undefined) this.#meet(token);
    if (!isNew || own.keys.length !== keys.length || !own.keys.every((key) => keys.includes(key))) return undefined;
    const [replica, counter] = own.write.split(":").map(Number);
    return { replica, counter, timestamp: own.timestamp };
  }
}
