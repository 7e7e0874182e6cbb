// What the workflows of one process ask and are told, kept for a recording elsewhere: that one replays the notes of all processes in the order in which things happened.

import type { Durability } from "@causalmesh/core";
import type { Outcome, Stamp } from "@causalmesh/core/testing";
import { keysOf, monotonicMs, numberIn, type Notebook, type NotedWrite, type Recording } from "./recording.js";

/** Apart from each other, the numbers of the writes of different processes. */
const NUMBERS_PER_PROCESS = 10_000_000;

/** `at` is in milliseconds of the machine's monotonic clock; a write is noted before it leaves, and an answer when it has come. */
export type Note = { readonly at: number } & (
  | { readonly what: "begin"; readonly session: string; readonly from: readonly string[] }
  | {
      readonly what: "open";
      readonly session: string;
      readonly node: string;
      readonly keys: readonly string[];
      readonly number: number;
      readonly durability: Durability | undefined;
      readonly deletion: boolean;
    }
  | { readonly what: "close"; readonly number: number; readonly outcome: Outcome; readonly stamp: Stamp | undefined }
  | { readonly what: "acknowledged"; readonly session: string; readonly durability: Durability }
  | { readonly what: "read"; readonly session: string; readonly node: string; readonly keys: readonly string[]; readonly numbers: readonly (number | null)[] }
  | { readonly what: "fail"; readonly message: string }
);

type WithoutTime<Kind> = Kind extends unknown ? Omit<Kind, "at"> : never;

export interface NotesOptions {
  /** As of the recording. */
  readonly prefix: string;
  readonly keys: number;
  /** Of this process: 0, 1, 2 … of `processes`. */
  readonly process: number;
  readonly processes: number;
}

export class Notes implements Notebook {
  readonly keys: readonly string[];
  readonly notes: Note[] = [];
  readonly #options: NotesOptions;
  /** Each key is deleted once at most, and by one process. */
  readonly #deletable: Set<string>;
  #labels = 0;
  #writes = 0;

  constructor(options: NotesOptions) {
    const { prefix, keys, process, processes } = options;
    this.#options = options;
    this.keys = keysOf(prefix, keys);
    this.#deletable = new Set(this.keys.filter((_, index) => index % processes === process));
  }

  begin(name: string, from: readonly string[] = []): string {
    const session = `${name}.${++this.#labels}`;
    this.#note({ what: "begin", session, from });
    return session;
  }

  open(session: string, node: string, keys: readonly string[], durability?: Durability): NotedWrite {
    return this.#open(session, node, keys, durability, false);
  }

  openDeletion(session: string, node: string, key: string, durability?: Durability): NotedWrite | undefined {
    return this.#deletable.delete(key) ? this.#open(session, node, [key], durability, true) : undefined;
  }

  #open(session: string, node: string, keys: readonly string[], durability: Durability | undefined, deletion: boolean): NotedWrite {
    const number = this.#options.process * NUMBERS_PER_PROCESS + this.#writes++;
    this.#note({ what: "open", session, node, keys, number, durability, deletion });
    return { id: number, keys };
  }

  close({ id }: NotedWrite, outcome: Outcome, stamp?: Stamp): void {
    this.#note({ what: "close", number: id, outcome, stamp });
  }

  acknowledged(session: string, durability: Durability): void {
    this.#note({ what: "acknowledged", session, durability });
  }

  read(session: string, node: string, keys: readonly string[], values: readonly unknown[]): void {
    const numbers = values.map((value) => (value === undefined ? null : numberIn(value)));
    this.#note({ what: "read", session, node, keys, numbers });
  }

  fail(message: string): void {
    this.#note({ what: "fail", message });
  }

  #note(note: WithoutTime<Note>): void {
    this.notes.push({ ...note, at: monotonicMs() });
  }
}

/** A recording of what several processes have noted, as if one had seen it all. */
export function replay(notes: readonly Note[], record: (nowMs: () => number) => Recording): Recording {
  let now = 0;
  const recording = record(() => now);
  const sessions = new Map<string, string>();
  const writes = new Map<number, NotedWrite>();
  for (const note of [...notes].sort((a, b) => a.at - b.at)) {
    now = note.at;
    const session = (label: string): string => sessions.get(label)!;
    if (note.what === "begin") sessions.set(note.session, recording.begin(note.session, note.from.map(session)));
    else if (note.what === "open") {
      const { node, keys, number, durability, deletion } = note;
      const write = deletion
        ? recording.openDeletion(session(note.session), node, keys[0], durability)!
        : recording.open(session(note.session), node, keys, durability, number);
      writes.set(number, write);
    } else if (note.what === "close") recording.close(writes.get(note.number)!, note.outcome, note.stamp);
    else if (note.what === "acknowledged") recording.acknowledged(session(note.session), note.durability);
    else if (note.what === "read") {
      const values = note.numbers.map((number) => (number === null ? undefined : [number]));
      recording.read(session(note.session), note.node, note.keys, values);
    } else recording.fail(note.message);
  }
  return recording;
}
