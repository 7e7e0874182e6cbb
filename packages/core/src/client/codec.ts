// Values as bytes. JSON is what people find in their store; values that JSON cannot hold are tagged, so that they come back as they
// went in. A value without any of them is plain JSON, and takes the fast path in both directions.
//
// A tagged value is an object with the one member "$": ["date", 0], ["map", [[k, v] …]] and so on. A user's own object with a member
// "$" is wrapped as ["object", {…}], so that it is never taken for one of ours.

import { decodeUtf8, encodeQuoted, encodeUtf8 } from "../bytes/utf8.js";
import { decodeBase64url, encodeBase64url } from "../bytes/base64url.js";
import { MeshError } from "../errors.js";
import type { Codec } from "../mesh.js";

const TAG = "$";
/** How a tag stands in a JSON text; without it no value is tagged. */
const TAG_TEXT = `"${TAG}":`;
/** Deeper values are cycles or mistakes. */
const DEPTH_MAX = 200;

type Path = readonly (string | number)[];

function invalid(what: string, path: Path): MeshError {
  const where = path.length === 0 ? "the value" : `the value at ${path.map((step) => (typeof step === "number" ? `[${step}]` : `.${step}`)).join("")}`;
  return new MeshError("VALUE_INVALID", `${where} is ${what}, which cannot be stored; store plain data, or give the mesh a codec of your own`);
}

function tagged(name: string, content: unknown): unknown {
  return { [TAG]: [name, content] };
}

/** The value in a form that JSON holds. `undefined` members of objects are left out, as JSON does. */
function toJson(value: unknown, path: Path): unknown {
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "number":
      return Number.isFinite(value) && !Object.is(value, -0) ? value : tagged("number", Object.is(value, -0) ? "-0" : String(value));
    case "bigint":
      return tagged("bigint", value.toString());
    case "object":
      return value === null ? null : objectToJson(value, path);
    default:
      throw invalid(typeof value === "undefined" ? "undefined" : `a ${typeof value}`, path);
  }
}

function objectToJson(value: object, path: Path): unknown {
  if (path.length > DEPTH_MAX) throw invalid(`nested more than ${DEPTH_MAX} levels deep (perhaps it contains itself)`, path.slice(0, 8));
  if (Array.isArray(value)) return Array.from(value, (item: unknown, index) => (item === undefined ? tagged("undefined", 0) : toJson(item, [...path, index])));
  if (value instanceof Date) return tagged("date", Number.isNaN(value.getTime()) ? null : value.getTime());
  if (value instanceof Map)
    return tagged(
      "map",
      [...value].map(([key, item], index) => [toJson(key, [...path, index]), toJson(item, [...path, index])]),
    );
  if (value instanceof Set)
    return tagged(
      "set",
      [...value].map((item, index) => toJson(item, [...path, index])),
    );
  if (value instanceof Uint8Array) return tagged("bytes", encodeBase64url(value));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    if (typeof (value as { toJSON?: unknown }).toJSON === "function") return toJson((value as { toJSON(): unknown }).toJSON(), path);
    throw invalid(`an instance of ${(value as { constructor?: { name?: string } }).constructor?.name ?? "a class"}`, path);
  }
  return recordToJson(value as Record<string, unknown>, path);
}

function recordToJson(record: Record<string, unknown>, path: Path): unknown {
  const entries: [string, unknown][] = [];
  for (const [key, item] of Object.entries(record)) if (item !== undefined) entries.push([key, toJson(item, [...path, key])]);
  const json: unknown = Object.fromEntries(entries);
  return Object.hasOwn(record, TAG) ? tagged("object", json) : json;
}

const DECODERS: Readonly<Record<string, (content: never) => unknown>> = {
  number: (content: string) => Number(content),
  bigint: (content: string) => BigInt(content),
  date: (content: number | null) => new Date(content ?? NaN),
  map: (content: [unknown, unknown][]) => new Map(content.map(([key, item]) => [fromJson(key), fromJson(item)])),
  set: (content: unknown[]) => new Set(content.map(fromJson)),
  bytes: (content: string) => decodeBase64url(content),
  undefined: () => undefined,
  object: (content: Record<string, unknown>) => membersFromJson(content),
};

function fromJson(json: unknown): unknown {
  if (typeof json !== "object" || json === null) return json;
  if (Array.isArray(json)) return json.map(fromJson);
  const tag = (json as Record<string, unknown>)[TAG];
  if (Array.isArray(tag) && Object.hasOwn(DECODERS, tag[0] as string)) return DECODERS[tag[0] as string](tag[1] as never);
  return membersFromJson(json as Record<string, unknown>);
}

function membersFromJson(json: Record<string, unknown>): unknown {
  return Object.fromEntries(Object.entries(json).map(([key, item]) => [key, fromJson(item)]));
}

/** Whether JSON alone brings the value back as it is. Asked for each value that is written, so it allocates nothing. */
function isPlain(value: unknown, depth: number): boolean {
  switch (typeof value) {
    case "string":
    case "boolean":
      return true;
    case "number":
      return Number.isFinite(value) && !Object.is(value, -0);
    case "object":
      return value === null || isPlainObject(value, depth);
    default:
      return false;
  }
}

function isPlainObject(value: object, depth: number): boolean {
  if (depth > DEPTH_MAX) return false;
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) if (!isPlain(value[index], depth + 1)) return false;
    return true;
  }
  if (Object.getPrototypeOf(value) !== Object.prototype || Object.hasOwn(value, TAG)) return false;
  for (const key of Object.keys(value)) {
    const item = (value as Record<string, unknown>)[key];
    if (item !== undefined && !isPlain(item, depth + 1)) return false;
  }
  return true;
}

function decodeText(bytes: Uint8Array, start: number, end: number): string {
  try {
    return decodeUtf8(bytes, start, end);
  } catch (error) {
    throw notJson(error);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw notJson(error);
  }
}

function notJson(cause: unknown): MeshError {
  return new MeshError("VALUE_INVALID", "the stored bytes are not JSON; they were written with another codec: read them with that one", { cause });
}

const QUOTE = 0x22;

/** The string between two quotes, where nothing in it is escaped, so that it needs no parsing. */
function plainString(bytes: Uint8Array, start: number, end: number): string | undefined {
  if (end - start < 2 || bytes[start] !== QUOTE || bytes[end - 1] !== QUOTE) return undefined;
  const text = decodeText(bytes, start + 1, end - 1);
  return text.includes("\\") || text.includes('"') ? undefined : text;
}

function decodeJson(bytes: Uint8Array, start: number, end: number): unknown {
  const plain = plainString(bytes, start, end);
  if (plain !== undefined) return plain;
  const text = decodeText(bytes, start, end);
  const json = parseJson(text);
  return typeof json === "object" && text.includes(TAG_TEXT) ? fromJson(json) : json;
}

/** Reads a value where it stands. Throws VALUE_INVALID. */
export type RangeDecoder = (bytes: Uint8Array, start: number, end: number) => unknown;

/** The codec's decoder; only codecs of others are given a view of the value. */
export function rangeDecoder(codec: Codec): RangeDecoder {
  return codec === jsonCodec ? decodeJson : (bytes, start, end) => codec.decode(bytes.subarray(start, end));
}

/** The default codec: JSON, with tags for Date, Map, Set, BigInt, Uint8Array and the numbers that JSON lacks. */
export const jsonCodec: Codec = {
  encode: (value) => (typeof value === "string" ? encodeQuoted(value) : undefined) ?? encodeUtf8(JSON.stringify(isPlain(value, 0) ? value : toJson(value, []))),
  decode: (bytes) => decodeJson(bytes, 0, bytes.length),
};

/** JSON as other programs write it. What JSON lacks is changed as `JSON.stringify` does. */
export const plainJsonCodec: Codec = {
  encode: (value) => {
    const text = stringify(value);
    if (text === undefined) throw invalid(typeof value, []);
    return encodeUtf8(text);
  },
  decode: (bytes) => parseJson(decodeText(bytes, 0, bytes.length)),
};

function stringify(value: unknown): string | undefined {
  try {
    return JSON.stringify(value) as string | undefined;
  } catch (error) {
    throw new MeshError("VALUE_INVALID", `the value cannot be stored as JSON: ${(error as Error).message}`, { cause: error });
  }
}
