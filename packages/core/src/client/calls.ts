// The calls of a session, and what is asked of a node itself: how each is asked and how its answer is read.

import { ByteReader, MalformedError } from "../bytes/reader.js";
import type { ByteWriter } from "../bytes/writer.js";
import type { MeshError } from "../errors.js";
import { KEYS_PER_REQUEST_MAX, VALUE_BYTES_MAX } from "../limits.js";
import type { Entry } from "../mesh.js";
import { timestampMs } from "../protocol/hybrid-clock.js";
import { ENTRY_FROM_LOADER, ENTRY_HAS_VALUE, FROM_LOADER, NO_VALUE, VALUE, VALUES, VERSIONED, WRITTEN } from "../wire/frames.js";
import { Call, encodeGet, encodeGetMany, encodeWrite, type Answer, type Change, type ReadFlags } from "./call.js";
import type { SessionContext } from "./context.js";
import type { Link } from "./link.js";
import type { ClientSession } from "./session.js";

/** Which write a read returned; all zero where the key never was. */
export interface Version {
  readonly replica: number;
  readonly counter: number;
  readonly timestamp: number;
}

const NO_VERSION: Version = { replica: 0, counter: 0, timestamp: 0 };
const reader = /* @__PURE__ */ new ByteReader();

export function readVersion(reader: ByteReader): Version {
  const version = { replica: reader.u32(), counter: reader.f64(), timestamp: reader.f64() };
  reader.f64();
  return version;
}

/** A value where it stands. */
export interface Place {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/** The value that a read returns: the node's, or the session's own where that wins. */
function shown(session: ClientSession, key: string, version: Version, fromLoader: boolean, value: Place | undefined): Place | undefined {
  const own = session.ownVersion(key, version, fromLoader);
  if (own === undefined) return value;
  const bytes = session.ownValue(own);
  return bytes === undefined ? undefined : { bytes, start: 0, end: bytes.length };
}

export abstract class SessionCall extends Call {
  readonly session: ClientSession;
  readonly reject: (error: Error) => void;

  constructor(session: ClientSession, deadline: number, reject: (error: Error) => void) {
    super(session, deadline);
    this.session = session;
    this.reject = reject;
  }

  failed(error: MeshError): void {
    this.end();
    this.reject(error);
  }

  /** What failed was the user's codec: that is this call's failure, not the link's. */
  protected undecodable(error: unknown): void {
    if (error instanceof MalformedError) throw error;
    this.reject(error as Error);
  }
}

export class GetCall extends SessionCall {
  readonly repeatable = true;
  readonly #key: string;
  readonly #flags: ReadFlags;
  readonly #resolve: (value: unknown) => void;
  readonly #asEntry: boolean;

  constructor(
    session: ClientSession,
    deadline: number,
    key: string,
    flags: ReadFlags,
    resolve: (value: never) => void,
    reject: (error: Error) => void,
    asEntry: boolean,
  ) {
    super(session, deadline, reject);
    this.#key = key;
    this.#flags = flags;
    this.#resolve = resolve as (value: unknown) => void;
    this.#asEntry = asEntry;
  }

  encode(out: ByteWriter, id: number, context: SessionContext | undefined): void {
    encodeGet(out, id, context, this.#flags, this.#key);
  }

  answered(answer: Answer): void {
    const { session } = this;
    if (answer.type !== VALUE && answer.type !== NO_VALUE) throw new MalformedError(`a read was answered with type ${answer.type}`);
    if (!this.#flags.versioned) {
      session.follow(answer.link, this.view);
      this.#show(answer.type === VALUE, answer.bytes, answer.start, answer.end, undefined);
      return;
    }
    reader.reset(answer.bytes, answer.start, answer.end);
    const version = (answer.flags & VERSIONED) !== 0 ? readVersion(reader) : NO_VERSION;
    const own = session.ownVersion(this.#key, version, (answer.flags & FROM_LOADER) !== 0);
    const value = own === undefined ? undefined : session.ownValue(own);
    session.follow(answer.link, this.view);
    if (own === undefined) this.#show(answer.type === VALUE, answer.bytes, reader.at, answer.end, version);
    else this.#show(value !== undefined, value ?? answer.bytes, 0, value?.length ?? 0, own.write);
  }

  #show(hit: boolean, bytes: Uint8Array, start: number, end: number, version: Version | undefined): void {
    try {
      const value = hit ? this.session.mesh.decode(bytes, start, end) : undefined;
      this.#resolve(this.#asEntry ? this.#entry(hit, value, version ?? NO_VERSION) : value);
    } catch (error) {
      this.undecodable(error);
    }
  }

  #entry(hit: boolean, value: unknown, { replica, counter, timestamp }: Version): Entry<unknown> {
    const { session } = this;
    const known = counter > 0;
    const ageMs = known ? Math.max(0, session.mesh.platform.clock.now() - timestampMs(timestamp)) : undefined;
    return { hit, value, version: known ? `${replica}:${counter}` : undefined, node: session.node, ageMs };
  }
}

export class GetManyCall extends SessionCall {
  readonly repeatable = true;
  readonly #keys: readonly string[];
  readonly #flags: ReadFlags;
  readonly #resolve: (values: unknown) => void;

  constructor(
    session: ClientSession,
    deadline: number,
    keys: readonly string[],
    flags: ReadFlags,
    resolve: (values: unknown) => void,
    reject: (error: Error) => void,
  ) {
    super(session, deadline, reject);
    this.#keys = keys;
    this.#flags = flags;
    this.#resolve = resolve;
  }

  encode(out: ByteWriter, id: number, context: SessionContext | undefined): void {
    encodeGetMany(out, id, context, this.#flags, this.#keys);
  }

  answered(answer: Answer): void {
    const { session } = this;
    if (answer.type !== VALUES) throw new MalformedError(`a read of several keys was answered with type ${answer.type}`);
    reader.reset(answer.bytes, answer.start, answer.end);
    const count = reader.varint();
    if (count !== this.#keys.length || count > KEYS_PER_REQUEST_MAX) throw new MalformedError(`${count} values for ${this.#keys.length} keys`);
    const values = this.#keys.map((key) => this.#value(key, (answer.flags & VERSIONED) !== 0, answer.bytes));
    reader.finish();
    session.follow(answer.link, this.view);
    try {
      this.#resolve(values.map((value) => (value === undefined ? undefined : session.mesh.decode(value.bytes, value.start, value.end))));
    } catch (error) {
      this.undecodable(error);
    }
  }

  #value(key: string, versioned: boolean, bytes: Uint8Array): Place | undefined {
    const state = reader.u8();
    const hit = (state & ENTRY_HAS_VALUE) !== 0;
    const version = versioned ? readVersion(reader) : NO_VERSION;
    let value: Place | undefined;
    if (hit) {
      const length = reader.varint();
      if (length > VALUE_BYTES_MAX) throw new MalformedError(`a value of ${length} bytes`);
      const start = reader.take(length);
      value = { bytes, start, end: start + length };
    }
    return versioned ? shown(this.session, key, version, (state & ENTRY_FROM_LOADER) !== 0, value) : value;
  }
}

/** A call that writes: it is under way until it is answered with the name of its write. */
export abstract class WritingCall extends SessionCall {
  constructor(session: ClientSession, deadline: number, reject: (error: Error) => void) {
    super(session, deadline, reject);
    session.writing += 1;
  }

  override failed(error: MeshError): void {
    this.session.writing -= 1;
    super.failed(error);
  }

  answered({ link, type, bytes, start, end }: Answer): void {
    if (type !== WRITTEN) throw new MalformedError(`a write was answered with type ${type}`);
    reader.reset(bytes, start, end);
    const counter = reader.f64();
    const timestamp = reader.f64();
    reader.finish();
    this.session.writing -= 1;
    this.session.wrote(link, counter, timestamp, this.madeAt(link), this.view);
    this.made();
  }

  /** What the write has changed, as the session keeps it. */
  protected abstract madeAt(link: Link): readonly Change[];
  protected abstract made(): void;
}

export class WriteCall extends WritingCall {
  readonly repeatable: boolean;
  readonly #timestamp: number;
  readonly #durability: number;
  readonly #changes: readonly Change[];
  readonly #resolve: (value: never) => void;

  /** `timestamp` is that of a write which is made again, 0 for a new one. */
  constructor(
    session: ClientSession,
    deadline: number,
    timestamp: number,
    durability: number,
    changes: readonly Change[],
    repeatable: boolean,
    resolve: (value: never) => void,
    reject: (error: Error) => void,
  ) {
    super(session, deadline, reject);
    this.repeatable = repeatable;
    this.#timestamp = timestamp;
    this.#durability = durability;
    this.#changes = changes;
    this.#resolve = resolve;
  }

  encode(out: ByteWriter, id: number, context: SessionContext | undefined): void {
    encodeWrite(out, id, context, this.#timestamp, this.#durability, this.#changes);
  }

  protected madeAt(): readonly Change[] {
    return this.#changes;
  }

  protected made(): void {
    this.#resolve(undefined as never);
  }
}
