// A database in a simulated world: what several nodes share (StoreContent), and one Store per node over it, each with its own
// delays and outages. Content changes in one event per call, somewhere between the call and its answer.

import { decodeUtf8 } from "../bytes/utf8.js";
import { fencedError, MeshError } from "../errors.js";
import type { FlushedCounters, RegistryRecord, Row, ScanPage, Store, StoreAbilities } from "../store.js";
import type { SeededRandom } from "./random.js";
import type { Life } from "./simulated-clock.js";
import type { Simulation } from "./simulation.js";

/** The rows and counters behind all nodes' stores; also the truth that I6 is checked on. */
export class StoreContent {
  readonly rows = new Map<string, Row>();
  readonly flushed = new Map<number, number>();
  registry: RegistryRecord | undefined;
  /** An outage: every call fails, though half of them may have happened. */
  isAway = false;
  /** Called after every `apply`, with the content as it then is. */
  onApply: (content: StoreContent) => void = () => {};

  apply(rows: readonly Row[], flushed: FlushedCounters): void {
    for (const row of rows) {
      const before = this.rows.get(row.key);
      if (before === undefined || isGreater(row, before)) this.rows.set(row.key, copyOf(row));
    }
    for (const [replica, counter] of flushed) this.flushed.set(replica, Math.max(counter, this.flushed.get(replica) ?? 0));
    this.onApply(this);
  }
}

function isGreater(row: Row, than: Row): boolean {
  return row.timestamp > than.timestamp || (row.timestamp === than.timestamp && row.replica > than.replica);
}

function copyOf(row: Row): Row {
  return { ...row, value: row.value === null ? null : row.value.slice() };
}

export interface SimulatedStoreOptions {
  readonly name: string;
  /** Typical time of a call in milliseconds; each takes between nothing and twice that. */
  readonly delayMs: number;
  /** Chance that a call fails with STORE_UNAVAILABLE; of failing `apply`s half have happened all the same. */
  readonly failureChance: number;
  /** Who calls: what it has sent when it is killed may still happen, and nobody gets the answer. */
  readonly life?: Life;
}

const ABILITIES: StoreAbilities = { atomicApply: true, durable: true, shared: true, valueBytesMax: 1024 * 1024 };

export class SimulatedStore implements Store {
  readonly abilities = ABILITIES;
  readonly name: string;
  /** No call fails any more. */
  calm = false;
  readonly #simulation: Simulation;
  readonly #random: SeededRandom;
  readonly #content: StoreContent;
  readonly #options: SimulatedStoreOptions;
  #closed = false;

  constructor(simulation: Simulation, content: StoreContent, options: SimulatedStoreOptions) {
    this.name = options.name;
    this.#simulation = simulation;
    this.#random = simulation.random.split();
    this.#content = content;
    this.#options = options;
  }

  getMany(keys: readonly string[]): Promise<(Row | undefined)[]> {
    const asked = [...keys];
    return this.#call(
      () => `get ${asked.join(" ")}`,
      () => asked.map((key) => this.#row(key)),
    );
  }

  apply(rows: readonly Row[], flushed: FlushedCounters, epoch = Infinity): Promise<void> {
    return this.#call(
      () => `apply ${describe(rows)} ${JSON.stringify(flushed)}`,
      () => {
        const current = this.#content.registry?.epoch ?? 0;
        if (current > epoch) throw fencedError(this.name, current);
        this.#simulation.note(() => `${this.name} applies ${describe(rows)}; flushed ${JSON.stringify(flushed)}`);
        this.#content.apply(rows, flushed);
      },
    );
  }

  readRegistry(): Promise<{ registry: RegistryRecord | undefined; flushed: FlushedCounters }> {
    return this.#call(
      () => "read the registry",
      () => ({ registry: this.#content.registry, flushed: [...this.#content.flushed] }),
    );
  }

  swapRegistry(expectedEpoch: number, next: RegistryRecord): Promise<boolean> {
    return this.#call(
      () => `make the view ${next.epoch}`,
      () => {
        if ((this.#content.registry?.epoch ?? 0) !== expectedEpoch) return false;
        this.#content.registry = { epoch: next.epoch, bytes: next.bytes.slice() };
        this.#simulation.note(() => `${this.name} makes the view ${decodeUtf8(next.bytes)}`);
        return true;
      },
    );
  }

  scan(prefix: string, cursor: string | undefined, limit: number): Promise<ScanPage> {
    return this.#call(
      () => `scan ${prefix}`,
      () => {
        // The simulator's keys are ASCII, whose order by code units is the order by bytes.
        const keys = [...this.#content.rows.keys()].filter((key) => key.startsWith(prefix) && (cursor === undefined || key > cursor)).sort();
        const page = keys.slice(0, limit);
        return { rows: page.map((key) => this.#row(key)!), cursor: keys.length > limit ? page[page.length - 1] : undefined };
      },
    );
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  #row(key: string): Row | undefined {
    const row = this.#content.rows.get(key);
    return row === undefined ? undefined : copyOf(row);
  }

  /** Makes `effect` happen in one event and answers in a later one. */
  #call<Answer>(what: () => string, effect: () => Answer): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const { life } = this.#options;
      const fails = !this.calm && (this.#content.isAway || this.#random.chance(this.#options.failureChance));
      const takesEffect = !fails || this.#random.chance(0.5);
      const happens = (): void => {
        if (this.#closed) return reject(new MeshError("CLOSED", `${this.name} has been closed`));
        let answer: Answer | undefined;
        let refusal: MeshError | undefined;
        try {
          if (takesEffect) answer = effect();
        } catch (error) {
          refusal = error as MeshError;
        }
        const answers = (): void => {
          if (life?.alive === false) return;
          if (refusal !== undefined) reject(refusal);
          else if (fails) reject(new MeshError("STORE_UNAVAILABLE", `${this.name} is away`));
          else if (this.#closed) reject(new MeshError("CLOSED", `${this.name} has been closed`));
          else resolve(answer as Answer);
        };
        this.#simulation.schedule(this.#delay(), answers, () => `${this.name} has answered to ${what()}: ${JSON.stringify(answer)}`);
      };
      this.#simulation.schedule(this.#delay(), happens, () => `${this.name} is to ${what()}`);
    });
  }

  #delay(): number {
    return this.#options.delayMs * this.#random.next();
  }
}

function describe(rows: readonly Row[]): string {
  return rows.map(({ key, replica, counter, value }) => `${key}=${replica}:${counter}${value === null ? " (deleted)" : ""}`).join(" ") || "nothing";
}
