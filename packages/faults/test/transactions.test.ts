// Transactions that roam over real processes, of the lengths of the paper's workloads, while nodes are killed and come back: none is given up for its snapshot, at default settings, and
// whoever reads sees all of a commit or nothing.

import { setTimeout as sleep } from "node:timers/promises";
import type { Mesh, MeshError, Transaction } from "@causalmesh/core";
import { expect, it } from "vitest";
import { seedFrom } from "../dist/index.js";
import { meshOfProcesses } from "./support/processes.js";

const NODES = 3;
const KEYS = 40;
const WORKFLOWS = 12;
const FUNCTIONS_MAX = 10;
/** Time that a function works. */
const FUNCTION_MS_MAX = 20;
const KILLS = 2;

/** Two keys that every commit writes alike. */
const pair = (index: number): readonly [string, string] => [`left:${index}`, `right:${index}`];

class Load {
  readonly aborts: string[] = [];
  readonly torn: string[] = [];
  commits = 0;
  stopped = false;
  readonly #mesh: Mesh;
  readonly #addresses: readonly string[];
  #state: number;

  constructor(mesh: Mesh, addresses: readonly string[], seed: number) {
    this.#mesh = mesh;
    this.#addresses = addresses;
    this.#state = seed;
  }

  #below(bound: number): number {
    this.#state = (this.#state * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.floor((this.#state / 2 ** 31) * bound);
  }

  #node(): { node: string } {
    return { node: this.#addresses[this.#below(this.#addresses.length)] };
  }

  /** One transaction after the other, each through several functions at different nodes. */
  async run(): Promise<void> {
    while (!this.stopped) {
      try {
        await this.#workflow();
      } catch (error) {
        const { code, message } = error as MeshError;
        if (code === "SNAPSHOT_TOO_OLD") this.aborts.push(message);
        // What was on its way to a node that was killed.
        else if (code !== "OUTCOME_UNKNOWN" && code !== "NODE_UNREACHABLE" && code !== "TIMEOUT") throw error;
      }
    }
  }

  async #workflow(): Promise<void> {
    let transaction: Transaction = this.#mesh.session(undefined, this.#node()).begin();
    for (let left = 1 + this.#below(FUNCTIONS_MAX); left > 0; left--) {
      const [a, b] = await transaction.getMany<number>(pair(this.#below(KEYS)));
      if (a !== b) this.torn.push(`${a} and ${b}`);
      await sleep(this.#below(FUNCTION_MS_MAX));
      transaction = this.#mesh.transaction(await transaction.token(), this.#node());
    }
    const value = this.#below(1_000_000);
    await transaction.setMany(pair(this.#below(KEYS)).map((key) => [key, value] as const));
    await transaction.commit();
    this.commits += 1;
  }
}

it(`no transaction of up to ${FUNCTIONS_MAX} functions is given up while ${KILLS} nodes are killed and started again`, async () => {
  const { processes, mesh } = await meshOfProcesses(NODES);

  const load = new Load(mesh, processes.addresses, seedFrom("transactions while nodes are killed"));
  const running = Promise.all(Array.from({ length: WORKFLOWS }, () => load.run()));
  for (let kill = 0; kill < KILLS; kill++) {
    await sleep(2_000);
    const before = load.commits;
    await processes.loseAt(kill);
    await processes.startAgain(kill);
    await sleep(1_000);
    expect(load.commits).toBeGreaterThan(before);
  }
  load.stopped = true;
  await running;
  expect({ aborts: load.aborts, torn: load.torn, failures: processes.failures }).toEqual({ aborts: [], torn: [], failures: [] });
  console.log(`${load.commits} transactions were committed`);
}, 120_000);
