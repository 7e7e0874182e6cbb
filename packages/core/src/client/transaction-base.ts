// The life of a transaction, whatever makes its reads and its commit: calls one after the other, in the order in which they were asked, and what may
// be asked when.

import { MeshError } from "../errors.js";
import type { CallOptions, CommitOptions, Committed, Duration, Session } from "../mesh.js";
import type { RunTransaction } from "./run-transaction.js";

/** What transactions of every kind of mesh have in common. For authors of clients. */
export abstract class TransactionBase implements RunTransaction {
  abstract readonly session: Session;
  /** Calls that have begun or wait for their turn, and when they are done. */
  #underWay = 0;
  #turn: Promise<unknown> = Promise.resolve();
  /** A commit was asked for: what it holds changes no more. */
  #isFinal = false;
  #isCommitting = false;
  #isOpen = true;
  #failure: MeshError | undefined;

  abstract getMany<Value = unknown>(keys: readonly string[], options?: CallOptions): Promise<(Value | undefined)[]>;
  abstract setMany(entries: Iterable<readonly [key: string, value: unknown]>, options?: { readonly ttl?: Duration }): Promise<void>;
  abstract deleteMany(keys: readonly string[]): Promise<void>;
  abstract token(): Promise<string>;
  /** Makes the writes, and returns the version of the one that was made. */
  protected abstract makeCommit(options: CommitOptions): Promise<string | undefined>;
  /** It has ended; by no commit, if `isLeft`. */
  protected abstract ended(isLeft: boolean): void;

  get isOpen(): boolean {
    return this.#isOpen;
  }

  get failure(): MeshError | undefined {
    return this.#failure;
  }

  async get<Value = unknown>(key: string, options?: CallOptions): Promise<Value | undefined> {
    return (await this.getMany<Value>([key], options))[0];
  }

  async set(key: string, value: unknown, options?: { readonly ttl?: Duration }): Promise<void> {
    await this.setMany([[key, value]], options);
  }

  async delete(key: string): Promise<void> {
    await this.deleteMany([key]);
  }

  async commit(options: CommitOptions = {}): Promise<Committed> {
    this.#checkOpen();
    if (this.#isCommitting) throw new MeshError("TRANSACTION_ENDED", "this transaction is being committed already; wait for that");
    this.#isFinal = true;
    this.#isCommitting = true;
    try {
      return await this.inTurn(async () => {
        const version = await this.makeCommit(options);
        this.#end(false);
        return { version };
      });
    } finally {
      this.#isCommitting = false;
    }
  }

  rollback(): void {
    if (this.#isCommitting)
      throw new MeshError("TRANSACTION_ENDED", "this transaction is being committed; what it has written can be overwritten, not taken back");
    this.#end(true);
  }

  #end(isLeft: boolean): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.ended(isLeft);
  }

  /** Runs a task when those before it are done: mostly at once, and then without a promise more than the task's own. */
  protected inTurn<Result>(task: () => Promise<Result>): Promise<Result> {
    // Those before it may have ended the transaction.
    const run = this.#underWay++ > 0 ? this.#turn.then(() => this.#checkOpen()).then(task) : task();
    const done = (error?: unknown): void => {
      this.#underWay--;
      // It is given up before whoever has called hears of it.
      if (!(error instanceof MeshError && error.code === "SNAPSHOT_TOO_OLD")) return;
      this.#failure = error;
      this.#end(true);
    };
    this.#turn = run.then(() => done(), done);
    return run;
  }

  /** Throws where it takes no more reads and writes. */
  protected checkGrows(): void {
    this.#checkOpen();
    if (this.#isFinal)
      throw new MeshError(
        "TRANSACTION_ENDED",
        "a commit of this transaction was asked for; call commit again until it succeeds, or rollback, and begin another one",
      );
  }

  #checkOpen(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (!this.#isOpen) throw new MeshError("TRANSACTION_ENDED", "this transaction was committed or rolled back; begin another one");
  }
}
