// What the observed sessions of one mesh have in common: which of them are observed, and how keys and tokens are called in the lines.
//
// Whether a session is observed is decided where it begins, and kept by whatever goes on from it. A token says nothing of that: those that were given out here are known by their
// hashes, and of others the hash itself decides. A session that goes on from a token which nobody has written down is taken for one without a past: that only means that
// less can be concluded.

import { createHmac, randomBytes } from "node:crypto";
import type { HistoryLine } from "@causalmesh/checker";

/** Tokens that are remembered; of older ones the hash decides. */
const TOKENS_MAX = 10_000;
/** Characters of a hash in base64url: 96 bits, so that two keys are never taken for one. */
const HASH_CHARACTERS = 16;
const NAME_BYTES = 12;
const UINT32 = 2 ** 32;

export interface ObserverOptions {
  readonly report: (line: HistoryLine) => void;
  readonly sample: number;
  readonly secret: string | undefined;
  readonly namespace: string | undefined;
}

export class Observer {
  readonly #report: (line: HistoryLine) => void;
  readonly #sample: number;
  readonly #secret: string | Buffer;
  readonly #namespace: string | undefined;
  /** By hash, the oldest first: whether the session that gave it out was observed. */
  readonly #tokens = new Map<string, boolean>();

  constructor({ report, sample, secret, namespace }: ObserverOptions) {
    this.#report = report;
    this.#sample = sample;
    this.#secret = secret ?? randomBytes(32);
    this.#namespace = namespace;
  }

  /** The trail of a session that begins from these tokens; undefined where it is not observed. */
  begin(tokens: readonly string[]): Trail | undefined {
    const hashes = tokens.map((token) => this.#hash("token", token));
    const isObserved = hashes.length === 0 ? Math.random() < this.#sample : hashes.some((hash) => this.#isChosen(hash));
    return isObserved ? new Trail(this, hashes.map(nameOfToken)) : undefined;
  }

  #isChosen(hash: string): boolean {
    return this.#tokens.get(hash) ?? Buffer.from(hash, "base64url").readUInt32BE() / UINT32 < this.#sample;
  }

  /** Remembers a token that was given out, and returns how the session is called that stands for it. */
  noteToken(token: string, isObserved: boolean): string {
    const hash = this.#hash("token", token);
    this.#tokens.set(hash, isObserved);
    if (this.#tokens.size > TOKENS_MAX) this.#tokens.delete(this.#tokens.keys().next().value!);
    return nameOfToken(hash);
  }

  nameOfTokenOf(token: string): string {
    return nameOfToken(this.#hash("token", token));
  }

  /** A key is one of its namespace. */
  nameOfKey(key: string, namespace: string | undefined): string {
    return this.#hash("key", JSON.stringify([namespace ?? this.#namespace ?? null, key]));
  }

  #hash(what: string, text: string): string {
    return createHmac("sha256", this.#secret).update(`${what} ${text}`).digest("base64url").slice(0, HASH_CHARACTERS);
  }

  write(line: HistoryLine): void {
    try {
      this.#report(line);
    } catch {
      // The call that was observed has done what it should.
    }
  }
}

/** A session in which nothing happens: what the token knows, at the place of the history where it was given out. */
function nameOfToken(hash: string): string {
  return `token ${hash}`;
}

/** A call, and whether it was the only one of its session while it was under way. */
interface Watched {
  isAlone: boolean;
}

/**
 * What is written down of one session. Calls that overlap are left out: nobody can say in which order they were made, nor which write is whose.
 */
export class Trail {
  readonly #observer: Observer;
  readonly #underWay = new Set<Watched>();
  #name: string;

  /** `from` are names of sessions. */
  constructor(observer: Observer, from: readonly string[]) {
    this.#observer = observer;
    this.#name = newName();
    if (from.length > 0) observer.write({ session: this.#name, from });
  }

  get name(): string {
    return this.#name;
  }

  async watch<Result>(call: () => Promise<Result>, note: (result: Result) => void): Promise<Result> {
    if (this.#underWay.size > 0) this.#disturb();
    const watched: Watched = { isAlone: this.#underWay.size === 0 };
    this.#underWay.add(watched);
    try {
      const result = await call();
      if (watched.isAlone) note(result);
      return result;
    } finally {
      this.#underWay.delete(watched);
    }
  }

  /** What is under way is not what the session did before, and not what it does after. */
  #disturb(): void {
    for (const watched of this.#underWay) watched.isAlone = false;
  }

  fork(): Trail {
    return new Trail(this.#observer, [this.#name]);
  }

  /** The session has taken over the past of others; it goes on under another name. */
  join(others: readonly string[]): void {
    this.#disturb();
    const before = this.#name;
    this.#name = newName();
    this.#observer.write({ session: this.#name, from: [before, ...others] });
  }

  /** What the session knows now, under the name of a token. */
  markToken(name: string): void {
    this.#observer.write({ session: name, from: [this.#name] });
  }
}

function newName(): string {
  return randomBytes(NAME_BYTES).toString("base64url");
}
