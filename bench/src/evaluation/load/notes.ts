// What workflows did and were told, in order, for the checker. Of a run at full rate a stretch of consecutive workflows is noted; what they see of
// others is known by number alone.

export type Note =
  | { readonly what: "begin"; readonly session: string; readonly from: readonly string[] }
  | {
      readonly what: "read";
      readonly session: string;
      readonly server: number;
      readonly keys: readonly string[];
      readonly numbers: readonly (number | undefined)[];
    }
  /** A write is noted before it leaves. */
  | { readonly what: "write"; readonly session: string; readonly server: number; readonly keys: readonly string[]; readonly number: number }
  | { readonly what: "written"; readonly number: number }
  /** The workflow has ended, or was given up; its sessions have this prefix. */
  | { readonly what: "end"; readonly workflow: string; readonly aborted: boolean };

export interface NotesOptions {
  /** The first workflow that may be noted, by its place in the run, and how many are. */
  readonly from: number;
  readonly count: number;
}

export class Notes {
  readonly notes: Note[] = [];
  readonly #options: NotesOptions;

  constructor(options: NotesOptions) {
    this.#options = options;
  }

  /** Where the notes of this workflow go; undefined where it is not noted. */
  of(index: number): Notes | undefined {
    const { from, count } = this.#options;
    return index >= from && index < from + count ? this : undefined;
  }

  add(note: Note): void {
    this.notes.push(note);
  }
}

const DIGITS = 8;

/** The value of a write begins with its number in eight characters, so that whoever reads it knows which write it was. 0 is what the store was filled with. */
export function numbered(number: number, payload: string): string {
  return number.toString(36).padStart(DIGITS, "0") + payload;
}

export function numberIn(value: string): number {
  return Number.parseInt(value.slice(0, DIGITS), 36);
}

export function payloadIn(value: string): string {
  return value.slice(DIGITS);
}

/** The workflow of a session: sessions of branches have its name before "/" or "+". */
export function workflowOf(session: string): string {
  return /^[^/+]*/.exec(session)![0];
}
