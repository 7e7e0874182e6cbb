// A session packed for the next function: printable, header-safe, signed (design section 11). What is inside is believed only where
// the signature holds, because a forged vector would stall others.
//
// Bytes, in base64url: version u8, key id u32, mesh id text, issued varint (ms since 1970), life varint (ms), time f64, DV, WV, own writes, the
// open transaction if there is one (open-transaction.ts), then 16 bytes of HMAC-SHA-256 over all before it. The mesh id stands in the open, so that a token of another mesh is told apart from a forged one.

import { decodeBase64url, encodeBase64url } from "../bytes/base64url.js";
import { equalBytes, hmacSha256, Mac } from "../bytes/mac.js";
import { ByteReader, MalformedError } from "../bytes/reader.js";
import { encodeUtf8 } from "../bytes/utf8.js";
import { ByteWriter } from "../bytes/writer.js";
import { MeshError } from "../errors.js";
import { KEY_BYTES_MAX, KEYS_PER_REQUEST_MAX, TOKEN_BYTES_MAX, VALUE_BYTES_MAX } from "../limits.js";
import { userKeyOf } from "../merging/keys.js";
import { isCommit, isMerging } from "../protocol/own-keys.js";
import { EMPTY_VECTOR, vectorRecord } from "../protocol/vector.js";
import { readVector, writeVector } from "../wire/messages.js";
import type { Secrets } from "../wire/secrets.js";
import type { OwnChange, OwnWrite, SessionContext } from "./context.js";
import { readOpenTransaction, writeOpenTransaction, type OpenTransaction } from "./open-transaction.js";

/** Raised with each change of the format. */
const VERSION = 3;
/** Half of an HMAC-SHA-256: forging it takes 2^127 tries, and tokens stay short. */
const MAC_BYTES = 16;
const MESH_ID_BYTES_MAX = 64;

const writer = /* @__PURE__ */ new ByteWriter(1024);

export interface TokenIssue {
  readonly meshId: string;
  readonly key: TokenKey;
  /** Milliseconds since 1970. */
  readonly issuedAt: number;
  readonly expiresAt: number;
}

export interface TokenCheck {
  readonly meshId: string;
  readonly keys: readonly TokenKey[];
  readonly now: number;
}

/** What signs tokens, and the name that they know it by: nobody has to number secrets, and a token tells which one is missing. */
export interface TokenKey {
  /** The first 32 bits of a hash of the key. */
  readonly id: number;
  readonly mac: Mac;
}

/** The key that signs a mesh's tokens. With the empty secret, of a mesh that has none, it keeps accidents out, not attackers. */
export function tokenKey(meshId: string, secret: string): TokenKey {
  const bytes = hmacSha256(encodeUtf8(secret), encodeUtf8(`causalmesh session token ${meshId}`));
  const name = hmacSha256(bytes, encodeUtf8("causalmesh token key id"));
  return { id: new DataView(name.buffer, name.byteOffset).getUint32(0), mac: new Mac(bytes) };
}

/** The keys of a mesh's tokens, kept until its secrets change. */
export class TokenKeys {
  readonly #meshId: string;
  readonly #secrets: Secrets;
  #madeOf: readonly string[] | undefined;
  #keys: readonly TokenKey[] = [];

  constructor(meshId: string, secrets: Secrets) {
    this.#meshId = meshId;
    this.#secrets = secrets;
  }

  /** The first signs. */
  get current(): readonly TokenKey[] {
    const secrets = this.#secrets.current;
    if (secrets !== this.#madeOf) {
      this.#madeOf = secrets;
      this.#keys = (secrets.length === 0 ? [""] : secrets).map((secret) => tokenKey(this.#meshId, secret));
    }
    return this.#keys;
  }
}

/** Throws TOKEN_TOO_LARGE where the session's own writes do not fit. */
export function packToken(context: SessionContext, { meshId, key, issuedAt, expiresAt }: TokenIssue): string {
  writer.length = 0;
  writer.u8(VERSION);
  writer.u32(key.id);
  writer.text(meshId);
  writer.varint(Math.round(issuedAt));
  writer.varint(Math.round(expiresAt - issuedAt));
  writer.f64(context.time);
  writeVector(writer, context.visible);
  writeVector(writer, context.written);
  writer.varint(context.own.length);
  for (const write of context.own) putOwnWrite(write);
  if (context.transaction !== undefined) writeOpenTransaction(writer, context, context.transaction);
  writer.raw(key.mac.of(writer.bytes.subarray(0, writer.length)), 0, MAC_BYTES);
  const length = Math.ceil((writer.length * 4) / 3);
  if (length > TOKEN_BYTES_MAX) throw tooLarge(length, context);
  return encodeBase64url(writer.bytes.subarray(0, writer.length));
}

function tooLarge(length: number, { own, transaction }: SessionContext): MeshError {
  const allowed = `the token would take ${length} bytes, at most ${TOKEN_BYTES_MAX} are allowed`;
  if (transaction !== undefined && transaction.changes.length + transaction.seen.size > 0) {
    const { changes, seen } = transaction;
    const carries = `it carries an open transaction that has written ${changes.length} keys and read ${seen.size}`;
    return new MeshError(
      "TOKEN_TOO_LARGE",
      `${allowed}: ${carries}; commit before handing on, or write large values beside the transaction and their keys in it`,
    );
  }
  return new MeshError(
    "TOKEN_TOO_LARGE",
    `${allowed}: it carries ${own.length} writes that are not readable everywhere yet; read once more before handing on, or write with durability "everywhere"`,
    { retryable: true, retryAfterMs: 50 },
  );
}

function putOwnWrite({ replica, counter, timestamp, changes }: OwnWrite): void {
  writer.varint(replica);
  writer.varint(counter);
  writer.f64(timestamp);
  writer.varint(changes.length);
  for (const { key, value, expiresAt } of changes) {
    writer.text(key);
    writer.varint(Math.round(expiresAt));
    writer.u8(value === null ? 0 : 1);
    if (value !== null) writer.blob(value);
  }
}

/** A token taken apart, before anything of it is believed. */
interface Parsed {
  readonly bytes: Uint8Array;
  readonly reader: ByteReader;
  readonly keyId: number;
  readonly meshId: string;
  readonly issuedAt: number;
  readonly expiresAt: number;
}

function parse(text: unknown): Parsed {
  if (typeof text !== "string" || text.length === 0) throw new MeshError("TOKEN_MALFORMED", "a token is a string; give the one that session.token() returned");
  if (text.length > TOKEN_BYTES_MAX) throw new MeshError("TOKEN_TOO_LARGE", `the token has ${text.length} characters; at most ${TOKEN_BYTES_MAX} are allowed`);
  const bytes = decodeBase64url(text);
  if (bytes === undefined || bytes.length <= MAC_BYTES) throw malformed();
  if (bytes[0] !== VERSION) {
    throw new MeshError(
      "TOKEN_VERSION",
      `the token has format ${bytes[0]}, this version reads format ${VERSION}: use the same version of CausalMesh everywhere, or begin a new session`,
    );
  }
  const reader = new ByteReader(bytes, 1, bytes.length - MAC_BYTES);
  return decoding(() => {
    const keyId = reader.u32();
    const meshId = reader.text(MESH_ID_BYTES_MAX);
    const issuedAt = reader.varint();
    return { bytes, reader, keyId, meshId, issuedAt, expiresAt: issuedAt + reader.varint() };
  });
}

function malformed(cause?: unknown): MeshError {
  return new MeshError("TOKEN_MALFORMED", "this is not a session token, or a part of one: hand it on unchanged and whole", { cause });
}

function decoding<Result>(decode: () => Result): Result {
  try {
    return decode();
  } catch (error) {
    if (error instanceof MalformedError) throw malformed(error);
    throw error;
  }
}

function isSigned({ bytes }: Parsed, key: TokenKey): boolean {
  const macAt = bytes.length - MAC_BYTES;
  return equalBytes(key.mac.of(bytes.subarray(0, macAt)).subarray(0, MAC_BYTES), bytes.subarray(macAt));
}

/** The session in a token. Throws TOKEN_MALFORMED, TOKEN_VERSION, TOKEN_OTHER_MESH, TOKEN_KEY_UNKNOWN, TOKEN_SIGNATURE, TOKEN_EXPIRED or TOKEN_TOO_LARGE. */
export function unpackToken(text: string, { meshId, keys, now }: TokenCheck): SessionContext {
  const parsed = parse(text);
  if (parsed.meshId !== meshId) throw new MeshError("TOKEN_OTHER_MESH", "the token was made by another mesh; sessions do not move between meshes");
  const key = keys.find(({ id }) => id === parsed.keyId);
  if (key === undefined) {
    throw new MeshError(
      "TOKEN_KEY_UNKNOWN",
      "the token was signed with a secret that is none of this program's, or none any more: begin a new session; give all programs the same secrets, and keep one that is replaced for as long as its tokens live",
    );
  }
  if (!isSigned(parsed, key)) {
    throw new MeshError("TOKEN_SIGNATURE", "the token's signature does not hold: it was changed on its way, or forged; begin a new session");
  }
  if (now >= parsed.expiresAt) {
    throw new MeshError("TOKEN_EXPIRED", `the token expired at ${new Date(parsed.expiresAt).toISOString()}; begin a new session, or raise tokenTtl`);
  }
  return decoding(() => readContext(parsed.reader));
}

function readContext(reader: ByteReader): SessionContext {
  const time = reader.f64();
  const visible = readVector(reader);
  const written = readVector(reader);
  const own = readList(reader, TOKEN_BYTES_MAX, readOwnWrite);
  const transaction = reader.at < reader.end ? readOpenTransaction(reader, { visible, time }) : undefined;
  reader.finish();
  return { visible, written, time, own, transaction };
}

function readList<Item>(reader: ByteReader, countMax: number, read: (reader: ByteReader) => Item): Item[] {
  const count = reader.varint();
  if (count > countMax) throw new MalformedError(`a list of ${count}`);
  return Array.from({ length: count }, () => read(reader));
}

function readOwnWrite(reader: ByteReader): OwnWrite {
  const replica = reader.varint();
  const counter = reader.varint();
  const timestamp = reader.f64();
  return { replica, counter, timestamp, changes: readList(reader, KEYS_PER_REQUEST_MAX, readOwnChange) };
}

function readOwnChange(reader: ByteReader): OwnChange {
  const key = reader.text(KEY_BYTES_MAX);
  const expiresAt = reader.varint();
  return { key, expiresAt, value: reader.u8() === 0 ? null : reader.blob(VALUE_BYTES_MAX) };
}

/** What stands in a token, for people and tools. */
export interface TokenContents {
  readonly version: number;
  readonly meshId: string;
  /** Names the secret that signed it, as eight hexadecimal digits. */
  readonly keyId: string;
  /** Milliseconds since 1970. */
  readonly issuedAt: number;
  readonly expiresAt: number;
  /** Whether the signature holds; "unknown key" where none of the secrets given has signed it, "unchecked" where none was given. */
  readonly signature: "valid" | "invalid" | "unknown key" | "unchecked";
  /** What the session has seen: replica id to counter. */
  readonly visible: Readonly<Record<string, number>>;
  /** What its own writes follow. */
  readonly written: Readonly<Record<string, number>>;
  /** Writes that may not be readable everywhere yet. */
  readonly own: readonly { readonly write: string; readonly timestamp: number; readonly keys: readonly string[] }[];
  /** The open transaction; undefined in the token of a session. */
  readonly transaction?: {
    readonly id: string;
    readonly snapshot: Readonly<Record<string, number>>;
    readonly read: readonly string[];
    readonly written: readonly string[];
  };
}

/** Takes a token apart without asking a node. Throws TOKEN_MALFORMED, TOKEN_VERSION or TOKEN_TOO_LARGE. */
export function inspectToken(text: string, secret?: string | readonly string[]): TokenContents {
  const parsed = parse(text);
  const context = decoding(() => readContext(parsed.reader));
  return {
    version: VERSION,
    meshId: parsed.meshId,
    keyId: parsed.keyId.toString(16).padStart(8, "0"),
    issuedAt: parsed.issuedAt,
    expiresAt: parsed.expiresAt,
    signature: secret === undefined ? "unchecked" : judge(parsed, typeof secret === "string" ? [secret] : secret),
    visible: vectorRecord(context.visible),
    written: vectorRecord(context.written),
    own: context.own.map(({ replica, counter, timestamp, changes }) => ({
      write: `${replica}:${counter}`,
      timestamp,
      // What stands for a commit is no key of a user, and a share is one of its value.
      keys: changes.map(({ key }) => (isMerging(key) ? userKeyOf(key) : key)).filter((key) => !isCommit(key)),
    })),
    ...(context.transaction === undefined ? {} : { transaction: transactionContents(context.transaction) }),
  };
}

function judge(parsed: Parsed, secrets: readonly string[]): TokenContents["signature"] {
  const key = secrets.map((secret) => tokenKey(parsed.meshId, secret)).find(({ id }) => id === parsed.keyId);
  if (key === undefined) return "unknown key";
  return isSigned(parsed, key) ? "valid" : "invalid";
}

function transactionContents({ id, snapshot, seen, changes }: OpenTransaction): TokenContents["transaction"] {
  return { id, snapshot: vectorRecord(snapshot?.vector ?? EMPTY_VECTOR), read: [...seen.keys()], written: changes.map(({ key }) => key) };
}
