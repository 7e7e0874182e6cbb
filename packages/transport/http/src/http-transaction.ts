// A transaction over HTTP: the server keeps nothing of it. What it has read stands in the token of the last answer; what it writes waits here until
// the commit, or goes into the token that is handed on.

import { jsonCodec, parseDuration, TransactionBase, type CallOptions, type CommitOptions, type Duration } from "@causalmesh/core";
import type { HttpSession } from "./http-session.js";
import { checkKey, checkKeys, checkPairs } from "./keys.js";

/** What waits for the commit: the value as it was when it was written, or nothing for a deletion. */
type Change = { readonly bytes: Uint8Array; readonly ttl: Duration | undefined } | undefined;

/** What the server answers. */
export interface TransactionAnswer {
  readonly entries: readonly { readonly value?: unknown }[];
  readonly version?: string;
}

export class HttpTransaction extends TransactionBase {
  readonly session: HttpSession;
  readonly #options: CommitOptions;
  readonly #changes = new Map<string, Change>();
  /** The token of the open transaction; undefined before its first request. */
  #token: string | undefined;

  constructor(session: HttpSession, options: CommitOptions, token?: string) {
    super();
    this.session = session;
    this.#options = options;
    this.#token = token;
  }

  async getMany<Value = unknown>(keys: readonly string[], options?: CallOptions): Promise<(Value | undefined)[]> {
    this.checkGrows();
    checkKeys(keys, "getMany");
    return await this.inTurn(async () => {
      const read = [...new Set(keys)].filter((key) => !this.#changes.has(key));
      const entries = read.length === 0 ? [] : (await this.#goOn({ read }, options)).entries;
      const values = new Map(read.map((key, index) => [key, entries[index].value]));
      return keys.map((key) => (this.#changes.has(key) ? this.#waiting(key) : values.get(key)) as Value | undefined);
    });
  }

  #waiting(key: string): unknown {
    const change = this.#changes.get(key);
    return change === undefined ? undefined : jsonCodec.decode(change.bytes);
  }

  async setMany(entries: Iterable<readonly [key: string, value: unknown]>, options?: { readonly ttl?: Duration }): Promise<void> {
    this.checkGrows();
    const ttl = options?.ttl;
    if (ttl !== undefined) parseDuration(ttl, "ttl");
    const changes = checkPairs(entries).map(([key, value]) => [checkKey(key), { bytes: jsonCodec.encode(value), ttl }] as const);
    for (const [key, change] of changes) this.#changes.set(key, change);
  }

  async deleteMany(keys: readonly string[]): Promise<void> {
    this.checkGrows();
    checkKeys(keys, "deleteMany");
    for (const key of keys) this.#changes.set(key, undefined);
  }

  /** The writes that wait, as the server takes them. */
  #writes(): { readonly set: readonly object[]; readonly delete: readonly string[] } {
    const set: object[] = [];
    const deleted: string[] = [];
    for (const [key, change] of this.#changes) {
      if (change === undefined) deleted.push(key);
      else set.push({ key, value: jsonCodec.decode(change.bytes), ...(change.ttl === undefined ? {} : { ttl: change.ttl }) });
    }
    return { set, delete: deleted };
  }

  protected async makeCommit(options: CommitOptions): Promise<string | undefined> {
    // Before it has a token it has no name, and could not be told from another one where its commit has to be repeated.
    if (this.#token === undefined) await this.#goOn({}, options);
    const { answer, token } = await this.session.transact({ ...this.#writes(), end: "commit" }, { ...this.#options, ...options }, this.#token);
    this.session.goesOn(token);
    return answer.version;
  }

  /** Where it was left, its session has seen what it has read all the same: the server says so when the session goes on. */
  protected ended(isLeft: boolean): void {
    if (isLeft && this.#token !== undefined) this.session.leaves(this.#token);
    this.session.ended(this);
  }

  async token(): Promise<string> {
    this.checkGrows();
    return await this.inTurn(async () => {
      if (this.#token === undefined || this.#changes.size > 0) await this.#goOn(this.#writes(), undefined);
      this.#changes.clear();
      return this.#token!;
    });
  }

  /** A request after which the transaction is still open. */
  async #goOn(body: object, options: CallOptions | undefined): Promise<TransactionAnswer> {
    const { answer, token } = await this.session.transact(body, { ...this.#options, ...options }, this.#token);
    this.#token = token;
    return answer;
  }
}
