// One stay of a workflow in one function: its session while that function runs, so that a token which leaves with the function's end has
// all that was done in it. Whoever keeps scopes ambient is ambient-mesh.ts.
//
// Three mistakes would hand on too little without anybody's noticing, and are refused here: work that goes on after the end, work that
// nobody waited for, and two branches in one session, of which either may hand it on while the other is in the middle of a call.

import type { AsyncStorage } from "../clock.js";
import { MeshError } from "../errors.js";
import type { CallOptions, Session, SessionScope } from "../mesh.js";

export class AmbientScope implements SessionScope {
  readonly session: Session;
  readonly #storage: AsyncStorage<AmbientScope>;
  #isBusy = false;
  #branches = 0;
  #isEnded = false;

  constructor(session: Session, storage: AsyncStorage<AmbientScope>) {
    this.session = session;
    this.#storage = storage;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  run<Result>(task: () => Result): Result {
    return this.#storage.run(this, task);
  }

  /** One call of the session, during which it takes no other. */
  call<Result>(make: (session: Session) => Promise<Result>): Promise<Result> {
    if (this.#isEnded || this.#isBusy) return Promise.reject(this.#refusal());
    this.#isBusy = true;
    const answer = make(this.session);
    // Before whoever awaits the answer goes on: reactions run in the order in which they were added.
    answer.then(this.#free, this.#free);
    return answer;
  }

  readonly #free = (): void => {
    this.#isBusy = false;
  };

  async branch<Result>(make: (session: Session) => Promise<Result>): Promise<Result> {
    if (this.#isEnded) throw this.#refusal();
    const fork = this.session.fork();
    this.#branches += 1;
    try {
      return await make(fork);
    } finally {
      this.#branches -= 1;
      this.session.join(fork);
    }
  }

  /** A scope that goes on from here. */
  fork(): AmbientScope {
    if (this.#isEnded || this.#isBusy) throw this.#refusal();
    return new AmbientScope(this.session.fork(), this.#storage);
  }

  get waitedMs(): number {
    return this.session.waitedMs;
  }

  async token(options?: CallOptions): Promise<string> {
    if (this.#isEnded || this.#isBusy) throw this.#refusal();
    return await this.session.token(options);
  }

  join(token: string): void {
    if (!this.#isEnded) this.session.join(token);
  }

  async end(options?: CallOptions): Promise<string> {
    this.close();
    return await this.session.token(options);
  }

  abandon(): void {
    this.#isEnded = true;
  }

  /** Ends it without a token, where its work is done. */
  close(): void {
    if (this.#isEnded) throw this.#refusal();
    this.#isEnded = true;
    if (this.#isBusy || this.#branches > 0)
      throw new MeshError("SESSION_BUSY", "the function has ended while a call of its session is under way, which its token would lack: await every call");
  }

  #refusal(): MeshError {
    if (this.#isEnded)
      return new MeshError(
        "NO_SESSION",
        "the function of this session has ended, and its token has left without this call: await all work before, or give it to mesh.fork",
      );
    return new MeshError(
      "SESSION_BUSY",
      "another call of this session is under way: await it first, read several keys with getMany, or give parallel branches to mesh.all([() => …, () => …])",
    );
  }
}
