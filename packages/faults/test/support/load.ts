// A mesh in this process under load from roaming workflows, and what must hold when the load is over and the database is well again.

import { setTimeout as sleep } from "node:timers/promises";
import { createMesh, type Mesh, type MeshStatus, type Store } from "@causalmesh/core";
import { SeededRandom, type Violation } from "@causalmesh/core/testing";
import { expect, onTestFinished } from "vitest";
import { Recording, Workflow } from "../../dist/index.js";

const WATCH_MS = 20;

export interface LoadOptions {
  readonly store: Store;
  readonly seed: number;
  readonly nodes?: number;
  readonly workflows?: number;
  readonly paddingBytesMax?: number;
}

export class Load {
  readonly mesh: Mesh;
  readonly addresses: readonly string[];
  readonly recording = new Recording("under load ", 8);
  readonly workflows: readonly Workflow[];
  readonly #running: Promise<unknown>;
  #watching: Promise<void> | undefined;
  #stopped = false;

  private constructor(mesh: Mesh, addresses: readonly string[], { seed, workflows = 6, paddingBytesMax = 200 }: LoadOptions) {
    this.mesh = mesh;
    this.addresses = addresses;
    const random = new SeededRandom(seed);
    const options = { recording: this.recording, meshes: [mesh], addresses, pauseMsMax: 10, paddingBytesMax };
    this.workflows = Array.from({ length: workflows }, (_, index) => new Workflow({ ...options, name: `w${index + 1}`, random: random.split() }));
    this.#running = Promise.all(this.workflows.map((workflow) => workflow.run()));
  }

  static async start(options: LoadOptions): Promise<Load> {
    const { store, nodes = 3 } = options;
    const mesh = await createMesh({ nodes, store, retryWrites: false, timeoutMs: 1_000 });
    onTestFinished(async () => {
      // A test that has failed may leave a database behind that does not answer.
      await mesh.close().catch(() => undefined);
      await store.close();
    });
    const { members } = await mesh.status();
    return new Load(
      mesh,
      members.map(({ address }) => address),
      options,
    );
  }

  get answered(): number {
    return this.workflows.reduce((sum, { answered }) => sum + answered, 0);
  }

  /** Notes what the database holds, again and again, for as long as the load runs: each of these states is judged, while later writes would hide what was lost. */
  watch(store: Store): void {
    this.#watching = (async (): Promise<void> => {
      while (!this.#stopped) {
        await sleep(WATCH_MS);
        // It may be away.
        const cut = await this.recording.cut(store).catch(() => undefined);
        if (cut !== undefined) this.recording.stored(cut);
      }
    })();
  }

  /** Resolves when so many more calls were answered; where none is any more, the test ends by its own time limit. */
  async answers(count: number): Promise<void> {
    const enough = this.answered + count;
    while (this.answered < enough) await sleep(10);
  }

  /** Ends the load: no call is under way after it. */
  async stop(): Promise<void> {
    for (const workflow of this.workflows) workflow.stop();
    await this.#running;
    this.#stopped = true;
    await this.#watching;
  }

  /** Waits until every node has let go of its log, and judges what nodes and store show. `store` reads the database itself. */
  async judge(store: Store): Promise<readonly Violation[]> {
    await untilFlushed(this.mesh);
    for (const node of this.addresses) this.recording.sample(node, await this.mesh.session(undefined, { node }).getMany(this.recording.keys));
    const cut = await reachable(() => this.recording.cut(store));
    expect(cut, "the store changes although everything is at rest").toBeDefined();
    return this.recording.violations(cut!);
  }
}

const ATTEMPTS_MAX = 50;

/** Resolves when every write is in the store and no node holds any: flushing has resumed by itself. */
export async function untilFlushed(mesh: Mesh): Promise<MeshStatus> {
  for (;;) {
    const status = await mesh.status();
    if (status.members.every(({ log, pending }) => log === 0 && pending === 0)) return status;
    await sleep(20);
  }
}

/** A store that has been away is not asked again at once: what it is needed for is asked until it answers. */
async function reachable<Result>(ask: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await ask();
    } catch (error) {
      if ((error as { code?: string }).code !== "STORE_UNAVAILABLE" || attempt === ATTEMPTS_MAX) throw error;
      await sleep(100);
    }
  }
}

/** How a call ends: its code ("none" where nothing is wrong), and how long that took. */
export async function outcomeOf(call: Promise<unknown>): Promise<{ code: string; ms: number }> {
  const begin = performance.now();
  const code = await call.then(
    () => "none",
    (error: { code?: string }) => error.code ?? String(error),
  );
  return { code, ms: performance.now() - begin };
}
