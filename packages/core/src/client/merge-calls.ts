// The calls for values that merge: a change is given to the node, which makes its share of it; a read asks for all shares at once and puts them
// together with what the session itself has changed and the node does not show yet.

import { ByteReader, MalformedError } from "../bytes/reader.js";
import type { ByteWriter } from "../bytes/writer.js";
import { VALUE_BYTES_MAX } from "../limits.js";
import { encodeChange, readChange, readShare, type Change, type Share } from "../merging/change.js";
import { dotOf, type Dot } from "../merging/dot.js";
import { shareKey, shareKeys } from "../merging/keys.js";
import { COUNTER } from "../protocol/own-keys.js";
import { ENTRY_HAS_VALUE, VALUES } from "../wire/frames.js";
import { Call, encodeGetMany, encodeMerge, VERSIONED_READ, type Answer, type Change as KeyChange } from "./call.js";
import { readVersion, WritingCall } from "./calls.js";
import type { MeshError } from "../errors.js";
import type { OwnWrite, SessionContext } from "./context.js";
import type { Link } from "./link.js";
import type { ClientSession } from "./session.js";

const reader = /* @__PURE__ */ new ByteReader();

export class MergeCall extends WritingCall {
  readonly repeatable: boolean;
  readonly #durability: number;
  readonly #name: string;
  readonly #change: Uint8Array;
  readonly #resolve: () => void;

  constructor(session: ClientSession, deadline: number, durability: number, name: string, change: Change, resolve: () => void, reject: (error: Error) => void) {
    super(session, deadline, reject);
    // To add to a counter twice is not to add once, unless it is known which addition it is.
    this.repeatable = session.mesh.retryWrites && (!name.startsWith(COUNTER) || change.of !== undefined);
    this.#durability = durability;
    this.#name = name;
    this.#change = encodeChange(change);
    this.#resolve = resolve;
  }

  encode(out: ByteWriter, id: number, context: SessionContext | undefined): void {
    encodeMerge(out, id, context, this.#durability, this.#name, this.#change);
  }

  /** The session keeps the change, and not what the node has made of its share with it: that has changes of others. */
  protected madeAt({ share }: Link): readonly KeyChange[] {
    return [{ key: shareKey(this.#name, share), value: this.#change, ttlMs: 0, expiresAt: 0 }];
  }

  protected made(): void {
    this.#resolve();
  }
}

/** What a read of a value that merges found. */
export interface Shares {
  readonly shares: readonly Share[];
  /** The session's own changes that are not in them, with the dots of their writes. */
  readonly own: readonly (readonly [dot: Dot, change: Change])[];
}

export class SharesCall extends Call {
  readonly repeatable = true;
  readonly #session: ClientSession;
  readonly #name: string;
  readonly #resolve: (shares: Shares) => void;
  readonly #reject: (error: Error) => void;
  /** Asks anew. */
  readonly #again: () => void;
  #keys: readonly string[] = [];

  constructor(session: ClientSession, deadline: number, name: string, resolve: (shares: Shares) => void, reject: (error: Error) => void, again: () => void) {
    super(
      {
        contextFor: (link) => {
          this.#keys = shareKeys(name, link.shares);
          return session.contextFor(link);
        },
        moved: (from, to) => session.moved(from, to),
        lostWrites: (call, finals) => session.lostWrites(call, finals),
      },
      deadline,
    );
    this.#session = session;
    this.#name = name;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#again = again;
  }

  encode(out: ByteWriter, id: number, context: SessionContext | undefined): void {
    encodeGetMany(out, id, context, VERSIONED_READ, this.#keys);
  }

  answered({ link, type, bytes, start, end }: Answer): void {
    if (type !== VALUES) throw new MalformedError(`a read of several keys was answered with type ${type}`);
    const session = this.#session;
    const found: Share[] = [];
    const own: OwnWrite[] = [];
    reader.reset(bytes, start, end);
    if (reader.varint() !== this.#keys.length) throw new MalformedError("a read of shares was answered with another number of them");
    try {
      for (const key of this.#keys) {
        const share = this.#readShare(bytes, key, own);
        if (share !== undefined) found.push(share);
      }
      reader.finish();
    } catch (error) {
      if (error instanceof MalformedError) throw error;
      this.#reject(error as Error);
      return;
    }
    session.follow(link, this.view);
    // ⚑ What the node shows may be of a view in which there are more shares, and one of those may be in the session's past.
    if (link.shares > this.#keys.length) this.#again();
    else this.#resolve({ shares: found, own: own.map((write) => [dotOf(write), readChange(this.#name, write.changes[0].value!)]) });
  }

  #readShare(bytes: Uint8Array, key: string, own: OwnWrite[]): Share | undefined {
    const hit = (reader.u8() & ENTRY_HAS_VALUE) !== 0;
    own.push(...this.#session.merges.ownChanges(key, readVersion(reader)));
    if (!hit) return undefined;
    const length = reader.varint();
    if (length > VALUE_BYTES_MAX) throw new MalformedError(`a share of ${length} bytes`);
    const start = reader.take(length);
    return readShare(bytes, start, start + length);
  }

  failed(error: MeshError): void {
    this.end();
    this.#reject(error);
  }
}
