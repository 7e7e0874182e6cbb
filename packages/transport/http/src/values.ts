// Values and bodies: which value a body means, and as which body a value is answered. JSON is for everyone and reads and writes the
// same values as the SDK; bytes stay bytes, with their content type beside them.

import { jsonCodec, MeshError } from "@causalmesh/core";
import { fromBase64, printableValue, toBase64 } from "./plain-json.js";
import { Problem } from "./problem.js";

export const JSON_TYPE = "application/json";
/** JSON with the tags of core's jsonCodec, so that a Date, a Map, a Set, a BigInt and bytes within a value come back as they went in. */
export const TAGGED_TYPE = "application/vnd.causalmesh+json";
export const BYTES_TYPE = "application/octet-stream";

/** Bytes of another type than application/octet-stream, as the SDK sees them. */
export interface TypedBytes {
  readonly contentType: string;
  readonly body: Uint8Array;
}

/** What a content type may look like when it is answered. */
const CONTENT_TYPE = /^[\w!#$&^.+-]{1,64}\/[\w!#$&^.+-]{1,64}(?:\s*;[\x20-\x7e]{0,128})?$/;
/** What `curl -d` and browser forms send where nobody chose a type; nobody means to store that. */
const FORM_TYPES = new Set(["application/x-www-form-urlencoded", "multipart/form-data"]);

export function isTypedBytes(value: unknown): value is TypedBytes {
  if (typeof value !== "object" || value === null || Object.keys(value).length !== 2) return false;
  const { contentType, body } = value as Partial<TypedBytes>;
  return body instanceof Uint8Array && typeof contentType === "string" && CONTENT_TYPE.test(contentType);
}

/** The type without its parameters, in lower case. */
export function essence(contentType: string | null): string {
  return (contentType ?? "").split(";")[0].trim().toLowerCase();
}

/** The value that a body of this type means. Throws VALUE_INVALID or MEDIA_TYPE_UNSUPPORTED. */
export function valueOf(bytes: Uint8Array, contentType: string | null): unknown {
  const type = essence(contentType);
  if (type === JSON_TYPE) return looseJson(textOf(bytes));
  if (type === TAGGED_TYPE) return tagged(bytes);
  if (type === "" || type === BYTES_TYPE) return bytes;
  if (FORM_TYPES.has(type)) {
    throw new Problem("MEDIA_TYPE_UNSUPPORTED", `a form cannot be stored: say what the body is, such as content-type: ${JSON_TYPE} or ${BYTES_TYPE}`);
  }
  if (!CONTENT_TYPE.test(contentType!)) throw new Problem("MEDIA_TYPE_UNSUPPORTED", `the content type ${JSON.stringify(contentType)} is none`);
  return { contentType, body: bytes };
}

/**
 * JSON where it parses, and a string where it does not, as with `causalmesh kv set`: clients such as unstorage's send text under this type.
 */
function looseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw new MeshError("VALUE_INVALID", `the body is not UTF-8, as JSON has to be; send bytes as ${BYTES_TYPE}`, { cause: error });
  }
}

/** Tagged JSON. Whatever the decoder stumbles over is the sender's fault. */
export function tagged(bytes: Uint8Array): unknown {
  try {
    return jsonCodec.decode(bytes);
  } catch (error) {
    throw new MeshError("VALUE_INVALID", `the body is not ${TAGGED_TYPE}, or a tag in it is wrong`, { cause: error });
  }
}

export interface Representation {
  readonly contentType: string;
  readonly bytes: Uint8Array;
}

export function wantsTags(accept: string | null): boolean {
  return accept !== null && accept.includes(TAGGED_TYPE);
}

/** A value as it is answered. Those who read tags get typed bytes as the SDK does, as an object. */
export function represent(value: unknown, withTags: boolean): Representation {
  if (value instanceof Uint8Array) return { contentType: BYTES_TYPE, bytes: value };
  if (withTags) return { contentType: TAGGED_TYPE, bytes: jsonCodec.encode(value) };
  if (isTypedBytes(value)) return { contentType: value.contentType, bytes: value.body };
  return { contentType: JSON_TYPE, bytes: new TextEncoder().encode(JSON.stringify(printableValue(value))) };
}

/** A value within an answer about several keys. */
export interface ValueEntry {
  readonly value?: unknown;
  /** The value is text in base64, and means bytes. */
  readonly encoding?: "base64";
  readonly contentType?: string;
}

export function entryOf(value: unknown, withTags: boolean): ValueEntry {
  if (withTags) return { value };
  if (value instanceof Uint8Array) return { value: toBase64(value), encoding: "base64" };
  if (isTypedBytes(value)) return { value: toBase64(value.body), encoding: "base64", contentType: value.contentType };
  return { value: printableValue(value) };
}

/** The value that an entry of a request means. Throws VALUE_INVALID. */
export function valueOfEntry({ value, encoding, contentType }: ValueEntry): unknown {
  if (encoding === undefined && contentType === undefined) return value;
  const body = encoding === "base64" && typeof value === "string" ? fromBase64(value) : undefined;
  if (body === undefined) throw new MeshError("VALUE_INVALID", 'an entry with "encoding" or "contentType" has "encoding": "base64" and a value in base64');
  return contentType === undefined ? body : valueOf(body, contentType);
}
