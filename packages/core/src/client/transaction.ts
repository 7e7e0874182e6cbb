// A transaction as its user holds it (design section 10): what it has written waits here, what it reads is snapshot-reads.ts's.

import { MeshError } from "../errors.js";
import { KEYS_PER_REQUEST_MAX } from "../limits.js";
import type { CallOptions, CommitOptions, Duration } from "../mesh.js";
import { COMMIT_IN_RING, COMMIT_IN_STORE } from "../protocol/own-keys.js";
import type { Vector } from "../protocol/vector.js";
import type { Change } from "./call.js";
import { changesOf, checkSize, deletion, storedKeys } from "./changes.js";
import { CommitCall, type Tried } from "./commit-call.js";
import { newTransactionId, type OpenTransaction } from "./open-transaction.js";
import { storedKey } from "./keys.js";
import type { ClientSession } from "./session.js";
import { SnapshotReads } from "./snapshot-reads.js";
import { TransactionBase } from "./transaction-base.js";

const NOTHING = new Uint8Array(0);

export class ClientTransaction extends TransactionBase {
  readonly session: ClientSession;
  readonly #options: CommitOptions;
  readonly #id: string;
  readonly #reads: SnapshotReads;
  readonly #changes = new Map<string, Change>();
  #tried: Tried | undefined;
  /** What it had seen when its token was first given out, or it was first committed: whatever commits it follows that. */
  #begun: Vector | undefined;
  /** Its token was given out. */
  #isOut: boolean;

  constructor(session: ClientSession, options: CommitOptions, from?: OpenTransaction) {
    super();
    this.session = session;
    this.#options = options;
    this.#id = from?.id ?? newTransactionId(session.mesh.platform.entropy);
    this.#begun = from?.begun;
    this.#isOut = from !== undefined;
    this.#reads = this.readsFrom(session, from);
    for (const change of from?.changes ?? []) this.#changes.set(change.key, change);
  }

  protected readsFrom(session: ClientSession, from: OpenTransaction | undefined): SnapshotReads {
    return new SnapshotReads(session, from);
  }

  // Reads.

  async getMany<Value = unknown>(keys: readonly string[], options?: CallOptions): Promise<(Value | undefined)[]> {
    this.checkGrows();
    const stored = storedKeys(this.session.namespace, keys, "getMany");
    return (await this.inTurn(() => this.#read(stored, options))) as (Value | undefined)[];
  }

  override async get<Value = unknown>(key: string, options?: CallOptions): Promise<Value | undefined> {
    this.checkGrows();
    const stored = storedKey(this.session.namespace, key);
    return (await this.inTurn(() => this.#readOne(stored, options))) as Value | undefined;
  }

  #readOne(key: string, given: CallOptions | undefined): Promise<unknown> {
    if (this.#changes.has(key)) return this.#read([key], given).then(([value]) => value);
    return this.#reads.readOne(key, this.#optionsWith(given));
  }

  #optionsWith(given: CallOptions | undefined): CommitOptions {
    return given === undefined ? this.#options : { ...this.#options, ...given };
  }

  async #read(keys: readonly string[], given: CallOptions | undefined): Promise<unknown[]> {
    const asked = this.#changes.size === 0 ? keys : keys.filter((key) => !this.#changes.has(key));
    const values = await this.#reads.read(asked, this.#optionsWith(given));
    return keys.map((key) => (this.#changes.has(key) ? this.#waiting(this.#changes.get(key)!) : values.get(key)));
  }

  #waiting({ value }: Change): unknown {
    return value === null ? undefined : this.session.mesh.decode(value, 0, value.length);
  }

  // Writes.

  async setMany(entries: Iterable<readonly [key: string, value: unknown]>, options?: { readonly ttl?: Duration }): Promise<void> {
    this.checkGrows();
    this.#keep(changesOf(this.session, entries, options?.ttl));
  }

  async deleteMany(keys: readonly string[]): Promise<void> {
    this.checkGrows();
    this.#keep(storedKeys(this.session.namespace, keys, "deleteMany").map(deletion));
  }

  /** Keeps all of the changes, or none where they are too many. */
  #keep(changes: readonly Change[]): void {
    const all = new Map(this.#changes);
    for (const change of changes) all.set(change.key, change);
    // One place is the commit's own.
    if (all.size >= KEYS_PER_REQUEST_MAX)
      throw new MeshError(
        "KEY_INVALID",
        `${all.size} keys written in one transaction; at most ${KEYS_PER_REQUEST_MAX - 1} are allowed: use several transactions`,
      );
    checkSize([...all.values()]);
    for (const change of changes) this.#changes.set(change.key, change);
  }

  // Ends.

  protected async makeCommit(given: CommitOptions): Promise<string | undefined> {
    if (this.#changes.size === 0) return undefined;
    const { session } = this;
    const options = { ...this.#options, ...given };
    const changes = [...this.#changes.values()];
    const mark = this.#mark();
    const tried = (this.#tried ??= new Set());
    return await new Promise<string>((resolve, reject) => {
      const call = new CommitCall(this.#reads, session.deadline(options), {
        begun: this.#begin(),
        tried,
        timestamp: 0,
        durability: session.durabilityOf(options),
        changes: [mark, ...changes],
        made: (link, counter, timestamp, view) => {
          // What stands for the transaction goes along: should the write die with its node, it is made again as this commit.
          session.wrote(link, counter, timestamp, [...changes, mark], view);
          resolve(`${link.replica}:${counter}`);
        },
        repeated: (link, write, follows, view) => {
          session.met(link, write, follows, view);
          resolve(`${write.replica}:${write.counter}`);
        },
        reject: (error) => reject(tried.size > 0 && error.code === "NODE_BEHIND" ? unknown(error) : error),
      });
      session.mesh.submit(call, session.peer, options.signal);
    });
  }

  #begin(): Vector {
    return (this.#begun ??= this.#reads.snapshot?.vector ?? this.#reads.context().visible);
  }

  /** The change that stands for the transaction in its write. One whose token is out is known for as long as that lives. */
  #mark(): Change {
    const isOut = this.#isOut;
    const key = (isOut ? COMMIT_IN_STORE : COMMIT_IN_RING) + this.#id;
    return { key, value: NOTHING, ttlMs: isOut ? this.session.mesh.tokenTtlMs : 0, expiresAt: 0 };
  }

  protected ended(): void {
    this.session.ended(this);
  }

  // Roaming.

  async token(): Promise<string> {
    this.checkGrows();
    return await this.inTurn(async () => {
      const reads = this.#reads;
      const context = reads.context();
      this.#isOut = true;
      const begun = this.#begin();
      const { snapshot, time, seen, ownWrites: own } = reads;
      const transaction = { id: this.#id, begun, snapshot, time, own, seen, changes: [...this.#changes.values()] };
      return await this.session.mesh.pack({ ...context, transaction });
    });
  }
}

function unknown(cause: MeshError): MeshError {
  return new MeshError(
    "OUTCOME_UNKNOWN",
    "the commit may have been made by a node that was lost before it answered, and no node knows yet; call commit again",
    {
      cause,
    },
  );
}
