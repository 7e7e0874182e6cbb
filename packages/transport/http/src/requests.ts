// Requests taken apart: path, query, body. What comes in here is anybody's, so everything is checked here, once.

import { limits, MeshError, type Durability, type WriteOptions } from "@causalmesh/core";
import { BODY_BYTES_MAX } from "./limits.js";
import { Problem } from "./problem.js";
import { essence, JSON_TYPE, TAGGED_TYPE, tagged } from "./values.js";

/** Part of a path as it was before it was encoded. Throws KEY_INVALID. */
export function decodePart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch (error) {
    throw new MeshError("KEY_INVALID", "the path has a percent sign that begins no character in UTF-8; encode keys, as encodeURIComponent does", {
      cause: error,
    });
  }
}

const TTL = "ttl";
const DURABILITY = "durability";

/** Refuses what the route does not know, so that a slip of the pen does not go unnoticed. */
export function checkQuery(query: URLSearchParams, allowed: readonly string[]): void {
  for (const name of query.keys()) {
    if (!allowed.includes(name)) {
      const known = allowed.length === 0 ? "this route takes none" : `there are ${allowed.join(" and ")}`;
      throw new Problem("REQUEST_INVALID", `the query parameter ${JSON.stringify(name)} is not known; ${known}`);
    }
    if (query.getAll(name).length > 1) throw new Problem("REQUEST_INVALID", `the query parameter ${name} is given more than once`);
  }
}

/** Time to live and durability of a write that sets something. Their values are checked by the session. */
export function setOptions(query: URLSearchParams, headers: Headers): WriteOptions {
  checkQuery(query, [TTL, DURABILITY]);
  const ttl = query.get(TTL) ?? headers.get("causalmesh-ttl");
  return { ...durabilityIn(query, headers), ...(ttl === null ? ttlInSeconds(headers) : { ttl: isNumber(ttl) ? Number(ttl) : ttl }) };
}

/** Durability of a write that deletes something: a time to live in the query is refused, those of header lines have no meaning. */
export function deleteOptions(query: URLSearchParams, headers: Headers): WriteOptions {
  checkQuery(query, [DURABILITY]);
  return durabilityIn(query, headers);
}

function durabilityIn(query: URLSearchParams, headers: Headers): WriteOptions {
  const durability = query.get(DURABILITY) ?? headers.get("causalmesh-durability");
  return durability === null ? {} : { durability: durability as Durability };
}

/** `x-ttl` is unstorage's, in seconds. */
function ttlInSeconds(headers: Headers): WriteOptions {
  const seconds = headers.get("x-ttl");
  if (seconds === null) return {};
  return { ttl: isNumber(seconds) ? Number(seconds) * 1000 : seconds };
}

function isNumber(text: string): boolean {
  return /^\d+(\.\d+)?$/.test(text);
}

function tooLarge(): MeshError {
  return new MeshError("VALUE_TOO_LARGE", `the body has more than ${BODY_BYTES_MAX} bytes; a value takes at most ${limits.VALUE_BYTES_MAX}`);
}

/** The whole body. Stops reading where it becomes too large. */
export async function readBody(request: Request): Promise<Uint8Array> {
  const length = Number(request.headers.get("content-length") ?? NaN);
  if (length > BODY_BYTES_MAX) throw tooLarge();
  // Servers hold a request to the length that it gives; only where none is given are the bytes counted as they come.
  const bytes = await received(length >= 0 ? request.arrayBuffer().then((buffer) => new Uint8Array(buffer)) : readStream(request.body));
  if (bytes.length > BODY_BYTES_MAX) throw tooLarge();
  return bytes;
}

/** Whatever breaks while a body comes is the connection, or the sender. */
async function received(bytes: Promise<Uint8Array>): Promise<Uint8Array> {
  try {
    return await bytes;
  } catch (error) {
    if (error instanceof MeshError) throw error;
    throw new Problem("REQUEST_INVALID", "the body did not arrive whole");
  }
}

async function readStream(stream: ReadableStream<Uint8Array> | null): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  if (stream === null) return new Uint8Array(0);
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > BODY_BYTES_MAX) {
      await reader.cancel();
      throw tooLarge();
    }
    pieces.push(value);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/** The members of a JSON body. The content type is asked for, as browsers send no request of this type to other sites without being allowed to. */
export async function readMembers(request: Request): Promise<Record<string, unknown>> {
  const type = essence(request.headers.get("content-type"));
  if (type !== JSON_TYPE && type !== TAGGED_TYPE) throw new Problem("MEDIA_TYPE_UNSUPPORTED", `send the body as content-type: ${JSON_TYPE}`);
  const bytes = await readBody(request);
  const body = type === TAGGED_TYPE ? tagged(bytes) : parse(bytes);
  if (typeof body !== "object" || body === null || Array.isArray(body)) throw new Problem("REQUEST_INVALID", "the body is no JSON object");
  return body as Record<string, unknown>;
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw new Problem("REQUEST_INVALID", "the body is not JSON");
  }
}

/** A member that is a list. Throws REQUEST_INVALID where it is missing, none, or longer than `countMax`. */
export function listOf<Item>(
  members: Record<string, unknown>,
  name: string,
  isItem: (item: unknown) => item is Item,
  countMax: number,
  example: string,
): Item[] {
  const list = members[name];
  if (!Array.isArray(list) || !list.every(isItem)) throw new Problem("REQUEST_INVALID", `the body's "${name}" is not as in ${example}`);
  if (list.length > countMax)
    throw new Problem("REQUEST_INVALID", `"${name}" has ${list.length} members; at most ${countMax} are allowed: use several requests`);
  return list as Item[];
}

/** Refuses members that the route does not know. */
export function checkMembers(members: Record<string, unknown>, allowed: readonly string[]): void {
  for (const name of Object.keys(members))
    if (!allowed.includes(name)) throw new Problem("REQUEST_INVALID", `the body's member ${JSON.stringify(name)} is not known; there is ${allowed.join(", ")}`);
}

export const isText = (item: unknown): item is string => typeof item === "string";
