// One transaction of a simulated workflow: it reads, writes, goes on elsewhere with its token in the middle, is committed or rolled back; and now and
// then its token is used once more.

import { MeshError } from "../errors.js";
import type { Durability, Session, Transaction } from "../mesh.js";
import type { MeshClient } from "../client/mesh-client.js";
import type { Observation, RecordedTransaction, Write } from "./history.js";
import type { SeededRandom } from "./random.js";
import type { Recorder } from "./recorder.js";
import type { Simulation } from "./simulation.js";

export interface TransactingWorld {
  readonly simulation: Simulation;
  readonly recorder: Recorder;
  readonly clients: readonly MeshClient[];
  readonly addresses: readonly string[];
  readonly keys: readonly string[];
  expectStamp(session: Session, write: Write): void;
}

/** Who runs it: where the history knows the session by its label, and fails calls that nothing excuses. */
export interface Owner {
  readonly label: string;
  readonly durability: Durability;
  readonly pauseMs: number;
  failed(error: unknown): void;
}

/** A token of the middle: under which label the history knows whoever uses it, and what had been written by then. */
interface Copy {
  readonly token: string;
  readonly label: string;
  readonly written: ReadonlySet<string>;
}

export class Transacting {
  readonly #world: TransactingWorld;
  readonly #random: SeededRandom;
  readonly #owner: Owner;
  readonly #record: RecordedTransaction;
  readonly #write: Write;
  readonly #written = new Set<string>();
  #transaction: Transaction;
  #copy: Copy | undefined;

  constructor(world: TransactingWorld, random: SeededRandom, owner: Owner, transaction: Transaction, record?: RecordedTransaction) {
    const { history } = world.recorder;
    this.#world = world;
    this.#random = random;
    this.#owner = owner;
    this.#transaction = transaction;
    this.#write = history.declareWrite({ durability: owner.durability });
    this.#record = record ?? { session: owner.label, reads: [], commits: [] };
    if (record === undefined) history.transactions.push(this.#record);
  }

  /** Runs it to its end, and returns the session that goes on. */
  async run(): Promise<Session> {
    const { simulation } = this.#world;
    try {
      for (let step = this.#random.int(1, 5); step > 0; step--) {
        if (this.#random.chance(0.5)) await simulation.sleep(this.#owner.pauseMs * this.#random.between(0, 1));
        if (this.#random.chance(0.3)) await this.#roam();
        if (this.#random.chance(0.6)) await this.#read();
        else await this.#set();
      }
      if (this.#random.chance(0.15)) this.#rollBack();
      else await this.#end();
    } catch (error) {
      this.#giveUp(error);
    }
    return this.#transaction.session;
  }

  async #roam(): Promise<void> {
    const { clients, addresses, recorder } = this.#world;
    try {
      const token = await this.#transaction.token();
      if (this.#copy === undefined && this.#random.chance(0.3)) {
        const label = `${this.#owner.label}*${this.#write.id}`;
        recorder.history.begin(label, [this.#owner.label]);
        this.#copy = { token, label, written: new Set(this.#written) };
      }
      this.#transaction = this.#random.pick(clients).transaction(token, { node: this.#random.pick(addresses) });
    } catch (error) {
      if (!(error instanceof MeshError && error.code === "TOKEN_TOO_LARGE")) throw error;
    }
  }

  async #read(): Promise<void> {
    const { simulation, recorder, keys } = this.#world;
    const { history } = recorder;
    const atMs = simulation.time;
    const asked = this.#random.sample(keys, this.#random.int(1, 3));
    const values = await this.#transaction.getMany(asked);
    const { node } = this.#transaction.session;
    const observed: Observation[] = [];
    asked.forEach((key, index) => {
      const observation = recorder.observe(key, values[index]);
      if (!this.#written.has(key)) observed.push(observation);
      else if (observation.write !== this.#write.id)
        history.failures.push(`${this.#owner.label} wrote ${key} as #${this.#write.id} in its transaction and reads #${observation.write}`);
    });
    simulation.note(() => `${this.#owner.label} in its transaction read ${observed.map(({ key, write }) => `${key}=${write ?? "-"}`).join(" ")} at ${node}`);
    if (observed.length > 0) this.#record.reads.push(history.read(this.#owner.label, node, observed, atMs, simulation.time).id);
  }

  async #set(): Promise<void> {
    const { recorder, keys } = this.#world;
    const key = this.#random.pick(keys);
    await this.#transaction.set(key, recorder.valueOf(this.#write));
    this.#written.add(key);
  }

  #rollBack(): void {
    this.#transaction.rollback();
    this.#refuse();
  }

  /** Nobody may ever see what it has written. */
  #refuse(): void {
    const { recorder, simulation } = this.#world;
    if (this.#write.operation < 0)
      recorder.history.beginWrite(this.#write, this.#owner.label, this.#transaction.session.node, [...this.#written], simulation.time);
    recorder.close(this.#write, "refused", simulation.time);
  }

  #giveUp(error: unknown): void {
    const { aborts } = this.#world.recorder.history;
    const isAbort = error instanceof MeshError && error.code === "SNAPSHOT_TOO_OLD";
    this.#world.simulation.note(() => `${this.#owner.label} gives its transaction up: ${String(error)}`);
    if (this.#write.outcome === "pending") this.#rollBack();
    if (isAbort) aborts[String(error.cause)] = (aborts[String(error.cause)] ?? 0) + 1;
    else this.#owner.failed(error);
  }

  /** Commits it, and the copy of it before that, after it or meanwhile. */
  async #end(): Promise<void> {
    const commits = [this.#commit(), ...(this.#copy === undefined ? [] : [this.#commitCopy(this.#copy)])];
    await Promise.all(commits);
  }

  async #commit(): Promise<void> {
    const { recorder, simulation } = this.#world;
    const { history } = recorder;
    const { session } = this.#transaction;
    const { label, durability } = this.#owner;
    const fromMs = simulation.time;
    if (this.#written.size === 0) {
      await this.#transaction.commit();
      this.#refuse();
      return;
    }
    history.beginWrite(this.#write, label, session.node, [...this.#written], fromMs);
    this.#world.expectStamp(session, this.#write);
    simulation.note(() => `${label} commits #${this.#write.id} ${this.#write.keys.join(" ")} at ${session.node}`);
    let version: string | undefined;
    try {
      version = (await this.#transaction.commit({ durability })).version;
    } catch (error) {
      recorder.close(this.#write, "unknown", simulation.time);
      this.#transaction.rollback();
      throw error;
    }
    const { stamp } = this.#write;
    // What was committed may be what another use of the token had written. Where the node shows it already, it does not say what it was.
    const isMade = stamp !== undefined && version === `${stamp.replica}:${stamp.counter}`;
    const isOthers = this.#record.commits.some((one) => one.isMade && one.everywhere && one.untilMs <= fromMs && one.version === version);
    recorder.close(this.#write, isMade ? "done" : isOthers ? "refused" : "unknown", simulation.time);
    simulation.note(() => `${label} was told that its transaction is ${version}`);
    const everywhere = durability === "everywhere" || durability === "stored";
    this.#record.commits.push({ write: this.#write.id, version, isMade, everywhere, fromMs, untilMs: simulation.time });
  }

  /** Somebody else goes on with the token as well, writes something else and commits. */
  async #commitCopy({ token, label, written }: Copy): Promise<void> {
    const { simulation, clients, addresses } = this.#world;
    await simulation.sleep(this.#owner.pauseMs * this.#random.between(0, 4));
    const transaction = this.#random.pick(clients).transaction(token, { node: this.#random.pick(addresses) });
    const copy = new Transacting(
      this.#world,
      this.#random.split(),
      { ...this.#owner, label, failed: (error) => this.#owner.failed(error) },
      transaction,
      this.#record,
    );
    try {
      // What it had written before it was copied is written anew, under the name of what this one writes.
      for (const key of written) await copy.#rewrite(key);
      await copy.#set();
      await copy.#commit();
    } catch (error) {
      copy.#giveUp(error);
    }
  }

  async #rewrite(key: string): Promise<void> {
    await this.#transaction.set(key, this.#world.recorder.valueOf(this.#write));
    this.#written.add(key);
  }
}
