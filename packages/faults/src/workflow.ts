// A workflow on a real mesh: it reads and writes at every durability level, goes on elsewhere with its token, leaves tokens behind, and notes all of it.

import { setTimeout as sleep } from "node:timers/promises";
import { inspectToken, MeshError, type Durability, type Mesh, type Session } from "@causalmesh/core";
import type { SeededRandom, Stamp, Write } from "@causalmesh/core/testing";
import { valueOf, type Recording } from "./recording.js";

/** What a fault may answer a call with. Whatever else it fails with is a finding. */
const EXCUSED = new Set(["TIMEOUT", "NODE_UNREACHABLE", "OUTCOME_UNKNOWN", "STORE_UNAVAILABLE", "PROTOCOL"]);
const DURABILITIES: readonly Durability[] = ["memory", "replicated", "everywhere", "stored"];

export interface WorkflowOptions {
  readonly name: string;
  readonly recording: Recording;
  readonly random: SeededRandom;
  /** The programs that it roams between. Each with `retryWrites: false`: a write that was made twice has two names. */
  readonly meshes: readonly Mesh[];
  readonly addresses: readonly string[];
  readonly pauseMsMax: number;
  readonly paddingBytesMax: number;
}

/** A session as somebody holds it who has its token. */
export interface HeldToken {
  readonly label: string;
  readonly token: string;
}

export class Workflow {
  readonly #options: WorkflowOptions;
  readonly #label: string;
  readonly #held: HeldToken[] = [];
  #session: Session;
  #stopped = false;
  /** Calls that were answered. */
  answered = 0;
  /** Answers with an error that the fault excuses, by code. */
  readonly excused = new Map<string, number>();

  constructor(options: WorkflowOptions) {
    this.#options = options;
    this.#label = options.recording.begin(options.name);
    this.#session = this.#begin();
  }

  #begin(token?: string): Session {
    const { random, meshes, addresses } = this.#options;
    return random.pick(meshes).session(token, { node: random.pick(addresses) });
  }

  /** No call begins after this. */
  stop(): void {
    this.#stopped = true;
  }

  async run(): Promise<void> {
    const { random, pauseMsMax } = this.#options;
    while (!this.#stopped) {
      await sleep(random.between(0, pauseMsMax));
      if (random.chance(0.4)) await this.#roam();
      await this.#act();
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
      if (random.chance(0.5)) await this.#read();
      else await this.#write();
      this.answered += 1;
    } catch (error) {
      this.#failed(error);
    }
  }

  #failed(error: unknown): void {
    const code = error instanceof MeshError ? error.code : String(error);
    if (EXCUSED.has(code)) this.excused.set(code, (this.excused.get(code) ?? 0) + 1);
    else this.#options.recording.fail(`${this.#label} at ${this.#session.node}: ${code}: ${(error as Error).message}`);
  }

  async #roam(): Promise<void> {
    const token = await this.#token();
    if (token === undefined) return;
    this.#session = this.#begin(token);
    if (this.#options.random.chance(0.1)) await this.#leaveToken();
  }

  async #leaveToken(): Promise<void> {
    const token = await this.#token();
    if (token !== undefined) this.#held.push({ label: this.#options.recording.begin(`${this.#label} token`, this.#label), token });
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

  async #writing(write: Write, durability: Durability, make: () => Promise<void>): Promise<void> {
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

  /** What the session's token says about its newest write, for as long as it carries it. */
  async #stampOf({ keys }: Write): Promise<Stamp | undefined> {
    const token = await this.#token();
    const own = token === undefined ? undefined : inspectToken(token).own.at(-1);
    if (own === undefined || own.keys.length !== keys.length || !own.keys.every((key) => keys.includes(key))) return undefined;
    const [replica, counter] = own.write.split(":").map(Number);
    return { replica, counter, timestamp: own.timestamp };
  }
}
