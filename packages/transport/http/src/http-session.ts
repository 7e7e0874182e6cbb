// A session over HTTP: its context is the token of the last answer, which goes with the next request.

import {
  backoffMs,
  jsonCodec,
  MeshError,
  parseDuration,
  runTransaction,
  type CallOptions,
  type CommitOptions,
  type Durability,
  type Entry,
  type MergeOptions,
  type Session,
  type Transaction,
  type TransactionOptions,
  type WriteOptions,
} from "@causalmesh/core";
import type { ClientAnswer, ClientCall, Exchanger } from "./exchange.js";
import { AGE_HEADER, SESSION_HEADER, VERSION_HEADER, WAITED_HEADER } from "./headers.js";
import { HttpTransaction, type TransactionAnswer } from "./http-transaction.js";
import { checkKey, checkKeys, checkPairs } from "./keys.js";
import { SESSION_HEADER_BYTES_AIM } from "./limits.js";
import { BYTES_TYPE, essence, TAGGED_TYPE } from "./values.js";

/** What sessions of one mesh have in common. */
export interface HttpSessionOptions {
  readonly exchanger: Exchanger;
  readonly namespace: string;
  readonly timeoutMs: number;
  readonly durability: Durability | undefined;
  readonly retryWrites: boolean;
  /** Factories that run, by namespace and key. */
  readonly factories: Map<string, Promise<{ value: unknown; token: string }>>;
}

type Request = Pick<ClientCall, "method" | "path" | "body" | "repeatable" | "answers"> & { readonly headers?: Readonly<Record<string, string>> };

export class HttpSession implements Session {
  /** The front does not say how it names a write. */
  readonly lastWrite: undefined;
  readonly #options: HttpSessionOptions;
  #at: number;
  /** What the session knows is the join of these; after an answer it is one. */
  #tokens: readonly string[];
  #transaction: HttpTransaction | undefined;
  /** The token of a transaction that was left: what that had seen is not in the session's tokens yet. */
  #left: string | undefined;
  #waitedMs = 0;
  /** Writes on their way. */
  #writing = 0;

  constructor(tokens: readonly string[], at: number, options: HttpSessionOptions) {
    this.#tokens = tokens;
    this.#at = at;
    this.#options = options;
  }

  get node(): string {
    return this.#options.exchanger.urls[this.#at];
  }

  // Reads.

  async get<Value = unknown>(key: string, options?: CallOptions): Promise<Value | undefined> {
    return (await this.getEntry<Value>(key, options)).value;
  }

  async getEntry<Value = unknown>(key: string, options?: CallOptions): Promise<Entry<Value>> {
    const answer = await this.#call({ method: "GET", path: this.#path(key), headers: { accept: TAGGED_TYPE }, repeatable: true, answers: [200, 404] }, options);
    const hit = answer.status === 200;
    const age = answer.headers.get(AGE_HEADER);
    return {
      hit,
      value: hit ? (valueIn(answer) as Value) : undefined,
      version: answer.headers.get(VERSION_HEADER) ?? undefined,
      node: this.#options.exchanger.urls[answer.at],
      ageMs: age === null ? undefined : Number(age),
    };
  }

  async has(key: string, options?: CallOptions): Promise<boolean> {
    const { status } = await this.#call({ method: "HEAD", path: this.#path(key), repeatable: true, answers: [200, 404] }, options);
    return status === 200;
  }

  async getMany<Value = unknown>(keys: readonly string[], options?: CallOptions): Promise<(Value | undefined)[]> {
    checkKeys(keys, "getMany");
    if (keys.length === 0) return [];
    const { entries } = (await this.#ask("read", { keys }, options)) as { entries: { value?: Value }[] };
    return entries.map(({ value }) => value);
  }

  // Writes.

  async set(key: string, value: unknown, options?: WriteOptions): Promise<void> {
    const isBytes = value instanceof Uint8Array;
    const body = isBytes ? value : jsonCodec.encode(value);
    const headers = isBytes ? { "content-type": BYTES_TYPE } : TAGGED;
    await this.#write({ method: "PUT", path: this.#path(key), headers, body }, options);
  }

  async delete(key: string, options?: WriteOptions): Promise<void> {
    await this.#write({ method: "DELETE", path: this.#path(key) }, options);
  }

  async invalidate(key: string, options?: WriteOptions): Promise<void> {
    await this.delete(key, options);
  }

  async setMany(entries: Iterable<readonly [key: string, value: unknown]>, options?: WriteOptions): Promise<void> {
    const set = checkPairs(entries).map(([key, value]) => ({ key, value }));
    if (set.length > 0) await this.#write(this.#post("write", { set }), options);
  }

  async deleteMany(keys: readonly string[], options?: WriteOptions): Promise<void> {
    checkKeys(keys, "deleteMany");
    if (keys.length > 0) await this.#write(this.#post("write", { delete: keys }), options);
  }

  // Values that merge.

  async increment(key: string, by = 1, options?: MergeOptions): Promise<void> {
    // To add twice is not to add once.
    await this.#write(this.#post("merge", { counter: checkKey(key), add: by }), options, false);
  }

  async count(key: string, options?: CallOptions): Promise<number> {
    return ((await this.#ask("merged", { counter: checkKey(key) }, options)) as { count: number }).count;
  }

  async addMembers(key: string, members: readonly string[], options?: MergeOptions): Promise<void> {
    await this.#write(this.#post("merge", { set: checkKey(key), add: members }), options);
  }

  async removeMembers(key: string, members: readonly string[], options?: MergeOptions): Promise<void> {
    await this.#write(this.#post("merge", { set: checkKey(key), remove: members }), options);
  }

  async members(key: string, options?: CallOptions): Promise<string[]> {
    return ((await this.#ask("merged", { set: checkKey(key) }, options)) as { members: string[] }).members;
  }

  async getOrSet<Value>(key: string, factory: () => Value | Promise<Value>, options?: WriteOptions): Promise<Value> {
    const found = await this.getEntry<Value>(key, options);
    if (found.hit) return found.value as Value;
    const { factories, namespace } = this.#options;
    const name = `${namespace}\u001f${key}`;
    let running = factories.get(name);
    if (running === undefined) {
      running = this.#make(key, factory, options).finally(() => factories.delete(name));
      factories.set(name, running);
    }
    const made = await running;
    // Whoever shares the factory's value follows the session that wrote it: the value is an effect of all that this one had seen.
    this.#learn([made.token]);
    return made.value as Value;
  }

  async #make(key: string, factory: () => unknown, options: WriteOptions | undefined): Promise<{ value: unknown; token: string }> {
    const value = await factory();
    await this.set(key, value, options);
    return { value, token: await this.token() };
  }

  async #write(request: Omit<Request, "repeatable" | "answers">, options: WriteOptions | undefined, repeatable = true): Promise<void> {
    this.#checkFree();
    const query = new URLSearchParams();
    const durability = options?.durability ?? this.#options.durability;
    if (durability !== undefined) query.set("durability", durability);
    if (options?.ttl !== undefined) query.set("ttl", `${parseDuration(options.ttl, "ttl")}ms`);
    const text = query.toString();
    const path = text === "" ? request.path : `${request.path}?${text}`;
    this.#writing += 1;
    try {
      await this.#call({ ...request, path, repeatable: repeatable && this.#options.retryWrites, answers: [204] }, options);
    } finally {
      this.#writing -= 1;
    }
  }

  // Transactions.

  async transaction<Result>(work: (transaction: Transaction) => Promise<Result>, options: TransactionOptions = {}): Promise<Result> {
    const pause = (attempt: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, backoffMs(attempt, Math.random)));
    return await runTransaction((rest) => this.begin(rest), work, options, pause);
  }

  begin(options: CommitOptions = {}): HttpTransaction {
    this.#checkFree();
    return (this.#transaction = new HttpTransaction(this, options));
  }

  /** Goes on with the transaction of a token. */
  resume(token: string): HttpTransaction {
    return (this.#transaction = new HttpTransaction(this, {}, token));
  }

  /** A request about a transaction, in the session where it has no token yet. Returns the answer with its token. */
  async transact(body: object, options: CommitOptions, open: string | undefined): Promise<{ answer: TransactionAnswer; token: string }> {
    if (open === undefined) await this.#settle(options);
    const durability = options.durability ?? this.#options.durability;
    const post = this.#post("transaction", open === undefined ? body : { ...body, begun: true });
    const path = durability === undefined ? post.path : `${post.path}?durability=${durability}`;
    const answer = await this.#send({ ...post, path, repeatable: true, answers: [200] }, options, open === undefined ? this.#tokens : [open]);
    return { answer: jsonCodec.decode(answer.bytes) as TransactionAnswer, token: this.#tokenOf(answer) };
  }

  /** The session is what a transaction has made of it. */
  goesOn(token: string): void {
    this.#tokens = [token];
  }

  /** A transaction was left that had this token. */
  leaves(token: string): void {
    this.#left = token;
  }

  ended(transaction: HttpTransaction): void {
    if (this.#transaction === transaction) this.#transaction = undefined;
  }

  /** Learns what a transaction that was left has seen. */
  async #settle(options: CallOptions | undefined): Promise<void> {
    const left = this.#left;
    if (left === undefined) return;
    const { token } = await this.transact({ end: "rollback" }, options ?? {}, left);
    this.#left = undefined;
    this.goesOn(token);
  }

  #checkFree(): void {
    if (this.#transaction !== undefined) throw new MeshError("TRANSACTION_OPEN", "this session has an open transaction: commit it or roll it back first");
  }

  // Roaming.

  /** The front waits, before each of its answers. */
  get waitedMs(): number {
    return this.#waitedMs;
  }

  async token(options?: CallOptions): Promise<string> {
    this.#checkFree();
    await this.#settle(options);
    if (this.#writing > 0)
      throw new MeshError("SESSION_BUSY", "a write is under way, which the token would lack: await it first; parallel branches have a fork each");
    if (this.#tokens.length !== 1) await this.#join(options);
    return this.#tokens[0];
  }

  join(other: Session | string): void {
    if (typeof other === "string") this.#learn([checkToken(other)]);
    else if (other instanceof HttpSession && other.#options.exchanger === this.#options.exchanger) this.#learn(other.#tokens);
    else throw new MeshError("OPTION_INVALID", "join takes a session of the same mesh object, or a token: join the token of a session of another one");
  }

  #learn(tokens: readonly string[]): void {
    this.#tokens = [...this.#tokens, ...tokens.filter((token) => !this.#tokens.includes(token))];
  }

  fork(): Session {
    return new HttpSession(this.#tokens, this.#at, this.#options);
  }

  /** Makes one token of several, or a first one. */
  async #join(options: CallOptions | undefined): Promise<void> {
    const tokens = this.#tokens;
    const body = jsonCodec.encode({ tokens });
    const answer = await this.#send({ method: "POST", path: "/v1/session/join", headers: TAGGED, body, repeatable: true, answers: [200] }, options, []);
    this.#follow(answer, tokens);
  }

  // Calls.

  async #call(request: Request, options: CallOptions | undefined): Promise<ClientAnswer> {
    await this.#settle(options);
    if (this.#tokens.length > 1 && this.#tokens.join().length > SESSION_HEADER_BYTES_AIM) await this.#join(options);
    const tokens = this.#tokens;
    const answer = await this.#send(request, options, tokens);
    this.#follow(answer, tokens);
    return answer;
  }

  async #send(request: Request, options: CallOptions | undefined, tokens: readonly string[]): Promise<ClientAnswer> {
    const timeoutMs = options?.timeoutMs === undefined ? this.#options.timeoutMs : parseDuration(options.timeoutMs, "timeoutMs");
    const session: Record<string, string> = tokens.length === 0 ? {} : { [SESSION_HEADER]: tokens.join(", ") };
    const answer = await this.#options.exchanger.call({
      ...request,
      headers: { ...request.headers, ...session },
      timeoutMs,
      signal: options?.signal,
      at: this.#at,
    });
    this.#at = answer.at;
    return answer;
  }

  /** The answer's token covers those that were sent; what other calls have brought meanwhile stays. */
  #follow(answer: ClientAnswer, sent: readonly string[]): void {
    const token = this.#tokenOf(answer);
    this.#waitedMs = Number(answer.headers.get(WAITED_HEADER) ?? 0);
    this.#tokens = [token, ...this.#tokens.filter((other) => !sent.includes(other) && other !== token)];
  }

  #tokenOf({ headers }: ClientAnswer): string {
    const token = headers.get(SESSION_HEADER);
    if (token !== null) return token;
    throw new MeshError("PROTOCOL", `the answer of ${this.node} has no ${SESSION_HEADER}; a proxy may drop unknown header lines`);
  }

  #path(key: unknown): string {
    return `/v1/${encodeURIComponent(this.#options.namespace)}/${encodeURIComponent(checkKey(key))}`;
  }

  /** A request that names its keys in the body. */
  #post(name: "read" | "write" | "transaction" | "merge" | "merged", body: object) {
    const path = `/v1/${encodeURIComponent(this.#options.namespace)}/${name}`;
    return { method: "POST", path, headers: { ...TAGGED, accept: TAGGED_TYPE }, body: jsonCodec.encode(body) };
  }

  async #ask(name: "read" | "merged", body: object, options: CallOptions | undefined): Promise<unknown> {
    return jsonCodec.decode((await this.#call({ ...this.#post(name, body), repeatable: true, answers: [200] }, options)).bytes);
  }
}

const TAGGED = { "content-type": TAGGED_TYPE };

/** Base64url, so that a token is one member of a list in a header. */
export function checkToken(token: unknown): string {
  if (typeof token === "string" && /^[\w-]+$/.test(token)) return token;
  throw new MeshError("TOKEN_MALFORMED", "a token is a string; give the one that session.token() returned");
}

function valueIn({ headers, bytes }: ClientAnswer): unknown {
  return essence(headers.get("content-type")) === TAGGED_TYPE ? jsonCodec.decode(bytes) : bytes;
}
