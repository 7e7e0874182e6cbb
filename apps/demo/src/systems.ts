// The two systems that run the same workflows, and what a function sees of either.

export const SYSTEMS = ["causalmesh", "plain"] as const;
export type System = (typeof SYSTEMS)[number];

/** A cache node as a function uses it. */
export interface View {
  get<Value>(key: string): Promise<Value | undefined>;
  getMany<Value>(keys: readonly string[]): Promise<(Value | undefined)[]>;
  set(key: string, value: unknown): Promise<void>;
  /** What the next function needs to go on from here; "" where a system has nothing of the kind. */
  token(): Promise<string>;
}

/** A review as it is stored; its author alone changes it, each time with a greater version. */
export interface Review {
  readonly id: string;
  readonly version: number;
  readonly film: number;
  readonly user: number;
  readonly rating: number;
  readonly text: string;
}

/** An entry in the list of a film or a user: it says which version of the review was there when it was made. */
export interface ListEntry {
  readonly review: string;
  readonly version: number;
}

export interface ReviewList {
  /** Grows with each change; a user's list is changed by that user's workflows alone, one after another. */
  readonly version: number;
  readonly entries: readonly ListEntry[];
}
