// The commit of a transaction, as it is asked and answered. It carries the transaction's id, so that it may be asked again anywhere.

import { ByteReader, MalformedError } from "../bytes/reader.js";
import type { ByteWriter } from "../bytes/writer.js";
import type { MeshError } from "../errors.js";
import { KEY_BYTES_MAX, KEYS_PER_REQUEST_MAX, VALUE_BYTES_MAX } from "../limits.js";
import { CHANGE_DELETES } from "../protocol/segment.js";
import type { Vector } from "../protocol/vector.js";
import { COMMITTED, WRITTEN } from "../wire/frames.js";
import { readVector } from "../wire/messages.js";
import { Call, encodeCommit, type Answer, type Caller, type Change } from "./call.js";
import type { OwnChange, OwnWrite, SessionContext } from "./context.js";
import type { Link } from "./link.js";

const reader = /* @__PURE__ */ new ByteReader();

/** Nodes at which a commit was asked for without an answer, by replica id: it may have been made there. */
export type Tried = Set<number>;

export interface CommitCallOptions {
  /** Brought up to date by the call; kept for the next one where this one fails. */
  readonly tried: Tried;
  /** What the transaction had seen when its token was first given out, or it was first committed: whatever commits it follows that. */
  readonly begun: Vector;
  /** Of a commit that died with its node, and is made again unless it was made again before; 0 for a new one. */
  readonly timestamp: number;
  readonly durability: number;
  /** The first one stands for the transaction. */
  readonly changes: readonly Change[];
  /** The write was made now. */
  readonly made: (link: Link, counter: number, timestamp: number, view: number) => void;
  /** It had been made before. Its changes are there where the node does not show it yet, with the vector that they follow. */
  readonly repeated: (link: Link, write: OwnWrite, follows: Vector, view: number) => void;
  readonly reject: (error: MeshError) => void;
}

export class CommitCall extends Call {
  readonly repeatable = true;
  // Whoever may know whether it was made may be away for a while.
  override readonly roundsMax = Infinity;
  readonly #options: CommitCallOptions;
  /** Where it goes. */
  #target = 0;

  constructor(caller: Caller, deadline: number, options: CommitCallOptions) {
    super(
      {
        contextFor: (link) => {
          this.#goesTo(link.replica);
          return caller.contextFor(link);
        },
        moved: (from, to) => caller.moved(from, to),
        lostWrites: (call, finals) => caller.lostWrites(call, finals),
      },
      deadline,
    );
    this.#options = options;
  }

  #goesTo(replica: number): void {
    // A node that has refused it has not made it.
    if (this.sent) this.#options.tried.add(this.#target);
    this.#target = replica;
  }

  encode(out: ByteWriter, id: number, context: SessionContext | undefined): void {
    const { begun, tried, timestamp, durability, changes } = this.#options;
    encodeCommit(out, id, context, begun, [...tried], timestamp, durability, changes);
  }

  answered({ type, bytes, start, end, link }: Answer): void {
    reader.reset(bytes, start, end);
    if (type === WRITTEN) {
      const counter = reader.f64();
      const timestamp = reader.f64();
      reader.finish();
      this.#options.made(link, counter, timestamp, this.view);
    } else if (type === COMMITTED) {
      const stamp = { replica: reader.u32(), counter: reader.f64(), timestamp: reader.f64() };
      const follows = readVector(reader);
      const write = { ...stamp, changes: readChanges() };
      reader.finish();
      this.#options.repeated(link, write, follows, this.view);
    } else throw new MalformedError(`a commit was answered with type ${type}`);
  }

  failed(error: MeshError): void {
    this.end();
    if (this.sent) this.#options.tried.add(this.#target);
    this.#options.reject(error);
  }
}

function readChanges(): OwnChange[] {
  const count = reader.varint();
  if (count > KEYS_PER_REQUEST_MAX) throw new MalformedError(`a commit of ${count} changes`);
  return Array.from({ length: count }, () => {
    const deletes = (reader.u8() & CHANGE_DELETES) !== 0;
    const expiresAt = reader.f64();
    const key = reader.text(KEY_BYTES_MAX);
    const value = reader.blob(VALUE_BYTES_MAX);
    return { key, expiresAt, value: deletes ? null : value };
  });
}
