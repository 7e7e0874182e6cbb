// What a user would call wrong, found from outside: by what the user's workflows wrote and were shown before. No clock, vector or dot takes part.

import type { ListEntry, Review } from "./systems.js";

export const ANOMALIES = ["own write missing", "going backwards", "effect without its cause"] as const;
export type Anomaly = (typeof ANOMALIES)[number];

/** What one user of one system has written and seen, over all of the user's workflows, which run one after another. */
export class Memory {
  /** Review → version. Only its author changes a review, so versions say what is older. */
  readonly #written = new Map<string, number>();
  readonly #seen = new Map<string, number>();
  /** Version of the user's own list. */
  #list = 0;

  wrote(review: string, version: number): void {
    this.#written.set(review, version);
  }

  /** Reviews that the user has written, and their versions. */
  get own(): ReadonlyMap<string, number> {
    return this.#written;
  }

  /**
   * Judges a review that was shown (null: it was not there) in answer to an entry of a list. A review of the user's own that is too old is an own
   * write that is missing, and nothing else; one of somebody else's may be older than it was before and older than the list says, both.
   */
  judge(entry: ListEntry, shown: Review | null): Anomaly[] {
    const version = shown?.version ?? 0;
    const seen = this.#seen.get(entry.review) ?? 0;
    this.#seen.set(entry.review, Math.max(seen, version));
    const written = this.#written.get(entry.review);
    if (written !== undefined) return version < written ? ["own write missing"] : [];
    const found: Anomaly[] = [];
    if (version < seen) found.push("going backwards");
    if (version < entry.version) found.push("effect without its cause");
    return found;
  }

  /** Judges the user's own list as it was found, and notes what it is now. */
  judgeList(found: number, written: number): Anomaly[] {
    const missing = found < this.#list;
    this.#list = Math.max(this.#list, written);
    return missing ? ["own write missing"] : [];
  }
}
