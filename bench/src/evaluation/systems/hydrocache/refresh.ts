// Keeps a server's cut up to date: of what the store says has changed, and of what is not cached, it fetches versions and then what those depend on, until all of it together is closed.

import { CHANGED, GET_VERSIONS, SUBSCRIBE } from "../../store/causal-table.js";
import { readStored, type StoredVersion } from "../../store/causal-version.js";
import { dial, nothing, readList, readTexts, type Rpc, type Service, writeTexts } from "../../wire/rpc.js";
import type { ServerOptions } from "../system.js";
import { covers, readVector, type Vector } from "../vectors.js";
import type { CausalCut } from "./causal-cut.js";

export class Refresh {
  readonly #cut: CausalCut;
  #store!: Rpc;
  #changed = new Set<string>();
  /** All writes that the store had when it told of changes last. */
  #written: Vector = [];
  /** Called when what has changed is shown. */
  #shown: (() => void)[] = [];
  #isRunning = false;

  constructor(cut: CausalCut) {
    this.#cut = cut;
  }

  static async start(cut: CausalCut, { transport, store }: Pick<ServerOptions, "transport" | "store">): Promise<Refresh> {
    const refresh = new Refresh(cut);
    const told: Service = (rpc, type, id, payload) => {
      if (type === CHANGED) refresh.#told(readTexts(payload), readVector(payload), () => rpc.reply(id, nothing));
    };
    refresh.#store = await dial(transport, store, told);
    await refresh.#store.call(SUBSCRIBE, nothing, nothing);
    return refresh;
  }

  /** Keys of which newer versions are known to be in the store. */
  get backlog(): number {
    return this.#changed.size;
  }

  get store(): Rpc {
    return this.#store;
  }

  #told(keys: readonly string[], written: Vector, shown: () => void): void {
    for (const key of keys) this.#changed.add(key);
    this.#written = written;
    this.#shown.push(shown);
    if (!this.#isRunning) void this.#run();
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#changed.size > 0) {
      const [keys, written, shown] = [[...this.#changed], this.#written, this.#shown];
      this.#changed = new Set();
      this.#shown = [];
      await this.load(keys);
      this.#cut.complete = written;
      for (const tell of shown) tell();
    }
    this.#isRunning = false;
  }

  /** Fetches the keys and exposes them with what they depend on. */
  async load(keys: readonly string[]): Promise<void> {
    const fetched = new Map<string, StoredVersion>();
    for (let wanted = keys; wanted.length > 0; wanted = this.#missing(fetched)) {
      const versions = await this.#store.call(
        GET_VERSIONS,
        (out) => writeTexts(out, wanted),
        (payload) => readList(payload, readStored),
      );
      for (const version of versions) fetched.set(version.key, version);
      if (versions.length === 0) break;
    }
    this.#cut.expose(fetched.values());
  }

  /** What the fetched versions depend on and neither they nor the cut have. */
  #missing(fetched: ReadonlyMap<string, StoredVersion>): string[] {
    const missing = new Set<string>();
    for (const { dependencies } of fetched.values()) {
      for (const [key, vector] of dependencies) {
        const known = fetched.get(key) ?? this.#cut.newest(key);
        if (known === undefined || !covers(known.vector, vector)) missing.add(key);
      }
    }
    return [...missing];
  }
}
