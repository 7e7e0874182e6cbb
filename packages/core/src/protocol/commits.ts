// Which transactions have been committed, so that each commit happens once (design section 10), however often and wherever it is asked for.
//
// A commit is a write like any other whose first change stands for the transaction: its key is one of the mesh's own (own-keys.ts) with the
// transaction's id. So it travels, survives and is shown together with what was committed. Every node notes those that
// it makes or receives. Transactions whose token was given out may be committed again when nodes have come and gone: their keys go into the
// store. The others are only asked for again while their call lasts: theirs stay in the ring.

import { decodeUtf8 } from "../bytes/utf8.js";
import { COMMITS_MAX } from "../limits.js";
import { isCommitAt } from "./own-keys.js";
import { walkSegment, type Segment } from "./segment.js";
import type { Snapshot } from "./snapshot.js";
import type { Vector } from "./vector.js";

/** The write by which a transaction was committed. */
export interface Commit {
  readonly replica: number;
  readonly counter: number;
  readonly timestamp: number;
}

export class Commits {
  readonly #commits = new Map<string, Commit>();
  /** Commits within it may have been made and are not noted: the node began with them, or has forgotten them. */
  #horizon: Snapshot;

  constructor(base: Snapshot) {
    this.#horizon = base;
  }

  get(key: string): Commit | undefined {
    return this.#commits.get(key);
  }

  /** Notes one. `received` gives what the node has by now. */
  note(key: string, commit: Commit, received: () => Snapshot): void {
    this.#commits.set(key, commit);
    if (this.#commits.size <= COMMITS_MAX) return;
    // A half at a time, so that it is rare. What is received is closed, so it bounds the ones that go.
    for (const oldest of this.#commits.keys()) {
      if (this.#commits.size <= COMMITS_MAX / 2) break;
      this.#commits.delete(oldest);
    }
    this.#horizon = received();
  }

  /** Notes the commits in what was received. */
  noteAll(segment: Segment, received: () => Snapshot): void {
    const { replica } = segment;
    walkSegment(segment, segment.cursor, segment.last, {
      change: (bytes, keyAt, keyLength, _valueAt, _valueLength, _flags, timestamp, counter) => {
        if (isCommitAt(bytes, keyAt, keyLength)) this.note(decodeUtf8(bytes, keyAt, keyAt + keyLength), { replica, counter, timestamp }, received);
      },
    });
  }

  /** Whether a transaction that had seen this may have been committed without being noted here: its commit follows what it had seen. */
  mayHaveForgotten(begun: Vector): boolean {
    return begun.replicas.every((replica, entry) => this.#horizon.includes(replica, begun.counters[entry]));
  }

  /** Whether that may have been at this replica. */
  mayHaveForgottenOf(replica: number, begun: Vector): boolean {
    return this.#horizon.includes(replica, 1) && this.mayHaveForgotten(begun);
  }

  /** Forgets what died with its nodes: it has not happened. */
  lose(finalOf: (replica: number) => number): void {
    for (const [key, { replica, counter }] of this.#commits) if (counter > finalOf(replica)) this.#commits.delete(key);
  }
}
