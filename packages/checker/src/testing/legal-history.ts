// A history that is legal because of how it is made: replicas apply each other's transactions in causal order, in different orders otherwise, and of two writes to a key the one of the
// greater rank stays. It is a causally consistent store in its simplest form, and has nothing of the mesh's protocol.

import type { OperationLine, SessionLine, TransactionLine, Value } from "../format.js";

export interface LegalHistoryOptions {
  /** Numbers from 0 to below 1. */
  readonly random: () => number;
  readonly transactions: number;
  readonly sessions: number;
  readonly keys: number;
  readonly replicas: number;
  /** Operations of a transaction at most; by default 3. */
  readonly operationsMax?: number;
  /** Share of transactions that write; by default one half. */
  readonly writeShare?: number;
  /** Chance that a session goes on at another replica; by default 0.2. */
  readonly roamChance?: number;
  /** Chance that a session ends before a transaction, and another one begins in its place, with its past or with that of two; by default 0. */
  readonly forkChance?: number;
  /** Whether lines have the ranks of their writes; by default not. */
  readonly stamps?: boolean;
}

interface Version {
  readonly value: Value;
  readonly time: number;
  readonly replica: number;
}

interface Update {
  readonly replica: number;
  readonly number: number;
  readonly time: number;
  readonly follows: readonly number[];
  readonly writes: ReadonlyMap<string, Value>;
}

class Replica {
  readonly shown = new Map<string, Version>();
  /** By replica: how many of its updates are applied here. */
  readonly applied: number[];
  time = 0;

  constructor(replicas: number) {
    this.applied = new Array<number>(replicas).fill(0);
  }

  apply(update: Update): void {
    for (const [key, value] of update.writes) {
      const shown = this.shown.get(key);
      if (shown === undefined || update.time > shown.time || (update.time === shown.time && update.replica > shown.replica))
        this.shown.set(key, { value, time: update.time, replica: update.replica });
    }
    this.applied[update.replica] = update.number;
    this.time = Math.max(this.time, update.time);
  }
}

interface Session {
  readonly name: string;
  past: readonly number[];
  replica: number;
}

/** Makes one, line by line. */
export function* legalHistory(options: LegalHistoryOptions): Generator<TransactionLine | SessionLine> {
  const { random, transactions, sessions: count, keys, operationsMax = 3, writeShare = 0.5, roamChance = 0.2, forkChance = 0, stamps = false } = options;
  const int = (max: number): number => Math.floor(random() * max);
  const replicas = Array.from({ length: options.replicas }, () => new Replica(options.replicas));
  const updates = replicas.map(() => [] as Update[]);
  const nothing = replicas.map(() => 0);
  const sessions = Array.from({ length: count }, (_, index): Session => ({ name: `s${index}`, past: nothing, replica: int(replicas.length) }));
  let names = count;
  let values = 0;

  /** Brings a replica on, as far as a vector at least. */
  const catchUp = (replica: Replica, until: readonly number[]): void => {
    for (let origin = 0; origin < until.length; origin++) {
      while (replica.applied[origin] < until[origin]) {
        const update = updates[origin][replica.applied[origin]];
        catchUp(replica, update.follows);
        replica.apply(update);
      }
    }
  };

  for (let transaction = 1; transaction <= transactions; transaction++) {
    const place = int(sessions.length);
    if (transaction > count && random() < forkChance) {
      const from = random() < 0.5 ? [sessions[place]] : [sessions[place], sessions[int(sessions.length)]];
      const past = from[0].past.map((_, origin) => Math.max(...from.map((one) => one.past[origin])));
      sessions[place] = { name: `s${names++}`, past, replica: sessions[place].replica };
      // A session that has not done anything has nothing to go on from, and no line has named it.
      const named = from.filter((one) => one.past !== nothing);
      yield { session: sessions[place].name, from: [...new Set(named.map(({ name }) => name))] };
    }
    const session = sessions[place];
    if (random() < roamChance) session.replica = int(replicas.length);
    const replica = replicas[session.replica];
    const other = int(replicas.length);
    catchUp(
      replica,
      replica.applied.map((number, origin) => (origin === other && random() < 0.5 ? number + int(updates[origin].length - number + 1) : number)),
    );
    catchUp(replica, session.past);
    const isWriting = random() < writeShare;
    const written = new Map<string, Value>();
    const ops = Array.from({ length: 1 + int(operationsMax) }, (_, index): OperationLine => {
      const key = `k${int(keys)}`;
      if (isWriting && (index === 0 || random() < 0.5)) {
        written.set(key, ++values);
        return ["w", key, values];
      }
      return ["r", key, written.get(key) ?? replica.shown.get(key)?.value ?? null];
    });
    let stamp: readonly [number, number] | undefined;
    if (isWriting) {
      const own = updates[session.replica];
      const follows = [...replica.applied];
      follows[session.replica] = own.length;
      const update: Update = { replica: session.replica, number: own.length + 1, time: replica.time + 1, follows, writes: written };
      own.push(update);
      replica.apply(update);
      stamp = [update.time, update.replica];
    }
    session.past = [...replica.applied];
    yield { session: session.name, txn: transaction, ops, ...(stamps && stamp !== undefined ? { stamp } : {}) };
  }
}
