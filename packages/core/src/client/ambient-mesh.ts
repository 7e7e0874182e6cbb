// What every mesh has for sessions that nobody carries: the session of the function that is running is ambient (it follows asynchronous
// calls), and the calls of the mesh itself are made with it. Those who never call `run` or `begin` pay nothing.

import type { AsyncStorage, Platform } from "../clock.js";
import { MeshError } from "../errors.js";
import type {
  Branches,
  CallOptions,
  MergeOptions,
  Entry,
  Mesh,
  MeshStatus,
  RunOptions,
  Session,
  SessionOptions,
  SessionScope,
  TokenInput,
  Transaction,
  WriteOptions,
} from "../mesh.js";
import { AmbientScope } from "./session-scope.js";

/** A mesh without its sessions: what a client of one adds is how they reach the nodes. For authors of transports. */
export abstract class AmbientMesh implements Mesh {
  readonly #newStorage: Platform["asyncStorage"];
  #storage: AsyncStorage<AmbientScope> | undefined;

  constructor({ asyncStorage }: Pick<Platform, "asyncStorage">) {
    this.#newStorage = asyncStorage;
  }

  abstract session(token?: TokenInput, options?: SessionOptions): Session;
  abstract transaction(token: string, options?: SessionOptions): Transaction;
  abstract ready(options?: CallOptions): Promise<void>;
  abstract status(options?: CallOptions): Promise<MeshStatus>;
  abstract close(): Promise<void>;

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  // Scopes.

  run<Result>(task: () => Result | Promise<Result>, options?: RunOptions): Promise<Result>;
  run<Result>(token: TokenInput | undefined, task: () => Result | Promise<Result>, options?: RunOptions): Promise<Result>;
  async run<Result>(
    first: TokenInput | undefined | (() => Result | Promise<Result>),
    second?: RunOptions | (() => Result | Promise<Result>),
    third?: RunOptions,
  ): Promise<Result> {
    const [token, task, options] = typeof first === "function" ? [undefined, first, second as RunOptions | undefined] : [first, second, third];
    if (typeof task !== "function") throw new MeshError("OPTION_INVALID", "run takes a function: mesh.run(token, () => …)");
    const outer = options?.root === true ? undefined : this.#storage?.getStore();
    if (outer === undefined || outer.isEnded) return await finished(this.begin(token, options), task);
    const inner = this.begin(token, options);
    return await outer.call(async (session) => {
      inner.session.join(session);
      return await joined(session, inner, task);
    });
  }

  begin(token?: TokenInput, options?: RunOptions): AmbientScope {
    return new AmbientScope(this.session(token, options), this.#openStorage());
  }

  scope(): SessionScope | undefined {
    const scope = this.#storage?.getStore();
    return scope === undefined || scope.isEnded ? undefined : scope;
  }

  async all<Results extends readonly unknown[]>(branches: Branches<Results>): Promise<Results> {
    const tasks: unknown = branches;
    if (!Array.isArray(tasks) || !tasks.every((task) => typeof task === "function"))
      throw new MeshError("OPTION_INVALID", "all takes functions, as in mesh.all([() => …, () => …]): work that has begun has no fork");
    const scope = this.#ambient();
    const forks = tasks.map(() => scope.fork());
    return await scope.call(async (session) => {
      const ends = await Promise.allSettled(forks.map((fork, index) => joined(session, fork, tasks[index] as () => unknown)));
      return ends.map((end) => {
        if (end.status === "rejected") throw end.reason;
        return end.value;
      }) as unknown as Results;
    });
  }

  async fork<Result>(task: () => Result | Promise<Result>): Promise<Result> {
    return await finished(this.#ambient().fork(), task);
  }

  #openStorage(): AsyncStorage<AmbientScope> {
    this.#storage ??= this.#newStorage?.<AmbientScope>();
    if (this.#storage !== undefined) return this.#storage;
    throw new MeshError("OPTION_INVALID", "this runtime has no AsyncLocalStorage, which mesh.run needs: use mesh.session(token) here");
  }

  #ambient(): AmbientScope {
    const scope = this.#storage?.getStore();
    if (scope !== undefined) return scope;
    throw new MeshError(
      "NO_SESSION",
      "there is no session here: call this within mesh.run(token, () => …), within a function that an integration has wrapped, or on mesh.session(token)",
    );
  }

  // The calls of the ambient session.

  #call<Result>(make: (session: Session) => Promise<Result>): Promise<Result> {
    try {
      return this.#ambient().call(make);
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  get<Value = unknown>(key: string, options?: CallOptions): Promise<Value | undefined> {
    return this.#call((session) => session.get<Value>(key, options));
  }

  getEntry<Value = unknown>(key: string, options?: CallOptions): Promise<Entry<Value>> {
    return this.#call((session) => session.getEntry<Value>(key, options));
  }

  has(key: string, options?: CallOptions): Promise<boolean> {
    return this.#call((session) => session.has(key, options));
  }

  getMany<Value = unknown>(keys: readonly string[], options?: CallOptions): Promise<(Value | undefined)[]> {
    return this.#call((session) => session.getMany<Value>(keys, options));
  }

  set(key: string, value: unknown, options?: WriteOptions): Promise<void> {
    return this.#call((session) => session.set(key, value, options));
  }

  delete(key: string, options?: WriteOptions): Promise<void> {
    return this.#call((session) => session.delete(key, options));
  }

  invalidate(key: string, options?: WriteOptions): Promise<void> {
    return this.#call((session) => session.invalidate(key, options));
  }

  setMany(entries: Iterable<readonly [key: string, value: unknown]>, options?: WriteOptions): Promise<void> {
    return this.#call((session) => session.setMany(entries, options));
  }

  deleteMany(keys: readonly string[], options?: WriteOptions): Promise<void> {
    return this.#call((session) => session.deleteMany(keys, options));
  }

  increment(key: string, by?: number, options?: MergeOptions): Promise<void> {
    return this.#call((session) => session.increment(key, by, options));
  }

  count(key: string, options?: CallOptions): Promise<number> {
    return this.#call((session) => session.count(key, options));
  }

  addMembers(key: string, members: readonly string[], options?: MergeOptions): Promise<void> {
    return this.#call((session) => session.addMembers(key, members, options));
  }

  removeMembers(key: string, members: readonly string[], options?: MergeOptions): Promise<void> {
    return this.#call((session) => session.removeMembers(key, members, options));
  }

  members(key: string, options?: CallOptions): Promise<string[]> {
    return this.#call((session) => session.members(key, options));
  }

  getOrSet<Value>(key: string, factory: () => Value | Promise<Value>, options?: WriteOptions): Promise<Value> {
    // The factory may use the mesh itself, and its value is an effect of what it has seen.
    return this.#call((session) => session.getOrSet(key, () => joined(session, new AmbientScope(session.fork(), this.#openStorage()), factory), options));
  }

  token(options?: CallOptions): Promise<string> {
    return this.#call((session) => session.token(options));
  }
}

/** Runs the function of a scope to its end. */
async function finished<Result>(scope: AmbientScope, task: () => Result | Promise<Result>): Promise<Result> {
  let result: Result;
  try {
    result = await scope.run(task);
  } catch (error) {
    scope.abandon();
    throw error;
  }
  scope.close();
  return result;
}

/** Runs the function of a scope that is a part of this session's work. */
async function joined<Result>(session: Session, inner: AmbientScope, task: () => Result | Promise<Result>): Promise<Result> {
  try {
    return await finished(inner, task);
  } finally {
    // Also where it failed: whoever learns of the failure follows what led to it.
    session.join(inner.session);
  }
}
