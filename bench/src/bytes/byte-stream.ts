// A byte stream cut into messages in place: only the unfinished end of a chunk is copied.

/** Takes the whole messages between `start` and `end` and returns where the first unfinished one begins. */
export type Cutter = (bytes: Buffer, start: number, end: number) => number;

const NOTHING = Buffer.alloc(0);

export class ByteStream {
  readonly #cut: Cutter;
  #tail: Buffer = NOTHING;

  constructor(cut: Cutter) {
    this.#cut = cut;
  }

  /** `chunk` is valid during the call only. */
  push(chunk: Buffer): void {
    const bytes = this.#tail.length === 0 ? chunk : Buffer.concat([this.#tail, chunk]);
    const at = this.#cut(bytes, 0, bytes.length);
    this.#tail = at === bytes.length ? NOTHING : Buffer.from(bytes.subarray(at));
  }
}
