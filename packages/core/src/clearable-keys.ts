// A part of the mesh's keys that can be cleared at once, for libraries whose interface asks for that. Which keys there are is nothing that a
// cache knows; so each value names the generation in which it was set, and clearing begins a new one. What was set before is absent from then
// on, and goes when it is overwritten, expires or is evicted.

import { randomId, systemPlatform } from "./embedded/platform.js";
import type { Mesh, Session, WriteOptions } from "./mesh.js";

/** A value with the generation that it belongs to. */
type Kept = readonly [generation: string, value: unknown];

const FIRST = "";

/**
 * Keys under a prefix. Calls are made with the ambient session, beside each other, and outside of `mesh.run` with one of its own. A `set` that
 * is concurrent with a `clear` may count as before or after it.
 */
export class ClearableKeys {
  readonly #mesh: Mesh;
  readonly #prefix: string;
  #own: Session | undefined;

  constructor(mesh: Mesh, prefix: string) {
    this.#mesh = mesh;
    this.#prefix = prefix;
  }

  get #generationKey(): string {
    return `${this.#prefix}!`;
  }

  #key(key: string): string {
    return `${this.#prefix}=${key}`;
  }

  #call<Result>(make: (session: Session) => Promise<Result>): Promise<Result> {
    const scope = this.#mesh.scope();
    return scope === undefined ? make((this.#own ??= this.#mesh.session())) : scope.branch(make);
  }

  /** All values from one causal cut, `undefined` where there is none. */
  getMany(keys: readonly string[]): Promise<unknown[]> {
    return this.#call((session) => this.#getMany(session, keys));
  }

  async #getMany(session: Session, keys: readonly string[]): Promise<unknown[]> {
    const [generation = FIRST, ...kept] = await session.getMany([this.#generationKey, ...keys.map((key) => this.#key(key))]);
    return (kept as (Kept | undefined)[]).map((one) => (one !== undefined && one[0] === generation ? one[1] : undefined));
  }

  /** One write of all of them. */
  setMany(entries: readonly (readonly [key: string, value: unknown])[], options?: WriteOptions): Promise<void> {
    return this.#call(async (session) => {
      const generation = (await session.get<string>(this.#generationKey)) ?? FIRST;
      await session.setMany(
        entries.map(([key, value]) => [this.#key(key), [generation, value] satisfies Kept]),
        options,
      );
    });
  }

  /** Resolves with whether each was there. */
  deleteMany(keys: readonly string[], options?: WriteOptions): Promise<boolean[]> {
    return this.#call(async (session) => {
      const values = await this.#getMany(session, keys);
      const present = keys.filter((_, index) => values[index] !== undefined);
      await session.deleteMany(
        present.map((key) => this.#key(key)),
        options,
      );
      return values.map((value) => value !== undefined);
    });
  }

  clear(options?: WriteOptions): Promise<void> {
    return this.#call((session) => session.set(this.#generationKey, randomId(systemPlatform.entropy), options));
  }
}
