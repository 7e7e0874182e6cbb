// Reads that are answered entry by entry, with versions: for whoever compares them with what it knows itself. Sessions' own reads are in calls.ts.

import { ByteReader, MalformedError } from "../bytes/reader.js";
import type { ByteWriter } from "../bytes/writer.js";
import type { Gone } from "../cache/versions.js";
import type { MeshError } from "../errors.js";
import { VALUE_BYTES_MAX } from "../limits.js";
import { ENTRY_FROM_LOADER, ENTRY_GONE, ENTRY_HAS_VALUE, VALUES } from "../wire/frames.js";
import { readGone } from "../wire/messages.js";
import { Call, type Answer, type Caller } from "./call.js";
import { readVersion, type Place, type Version } from "./calls.js";
import type { SessionContext } from "./context.js";
import type { Link } from "./link.js";

/** What a node shows of one key. */
export interface Found {
  readonly version: Version;
  readonly fromLoader: boolean;
  /** Where it stands, valid during the call only; undefined for none. */
  readonly value: Place | undefined;
  /** Set where the node does not know what the key was, with the reason. */
  readonly gone: Gone | undefined;
}

const reader = /* @__PURE__ */ new ByteReader();

export interface EntriesCallOptions {
  readonly count: number;
  readonly encode: (out: ByteWriter, id: number, context: SessionContext | undefined) => void;
  /** Is shown the answer, while it stands. `isCurrent`: the node answered in the view in which it was asked. */
  readonly found: (entries: readonly Found[], link: Link, isCurrent: boolean) => void;
  readonly reject: (error: Error) => void;
}

export class EntriesCall extends Call {
  readonly repeatable = true;
  readonly #options: EntriesCallOptions;

  constructor(caller: Caller, deadline: number, options: EntriesCallOptions) {
    super(caller, deadline);
    this.#options = options;
  }

  encode(out: ByteWriter, id: number, context: SessionContext | undefined): void {
    this.#options.encode(out, id, context);
  }

  answered({ type, bytes, start, end, link }: Answer): void {
    if (type !== VALUES) throw new MalformedError(`a read of several keys was answered with type ${type}`);
    reader.reset(bytes, start, end);
    const count = reader.varint();
    if (count !== this.#options.count) throw new MalformedError(`${count} values for ${this.#options.count} keys`);
    const entries: Found[] = [];
    for (let index = 0; index < count; index++) entries.push(readFound(bytes));
    reader.finish();
    try {
      this.#options.found(entries, link, this.view === link.view);
    } catch (error) {
      // What failed was the user's codec.
      this.#options.reject(error as Error);
    }
  }

  failed(error: MeshError): void {
    this.end();
    this.#options.reject(error);
  }
}

function readFound(bytes: Uint8Array): Found {
  const state = reader.u8();
  const version = readVersion(reader);
  const gone = (state & ENTRY_GONE) === 0 ? undefined : readGone(reader);
  return { version, fromLoader: (state & ENTRY_FROM_LOADER) !== 0, value: (state & ENTRY_HAS_VALUE) === 0 ? undefined : readPlace(bytes), gone };
}

function readPlace(bytes: Uint8Array): Place {
  const length = reader.varint();
  if (length > VALUE_BYTES_MAX) throw new MalformedError(`a value of ${length} bytes`);
  const start = reader.take(length);
  return { bytes, start, end: start + length };
}
