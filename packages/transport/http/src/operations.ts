// What each route does with a session. handler.ts has found out before who asks and what for.

import { jsonCodec, limits, type Duration, type Entry, type Mesh, type Session, type Transaction } from "@causalmesh/core";
import { AGE_HEADER, SESSION_HEADER, VERSION_HEADER, WAITED_HEADER } from "./headers.js";
import { TOKENS_PER_REQUEST_MAX } from "./limits.js";
import { changeIn, made, nameIn } from "./merging.js";
import { openApiDocument } from "./openapi.js";
import { Problem, problemResponse } from "./problem.js";
import { checkMembers, checkQuery, deleteOptions, isText, listOf, readBody, readMembers, setOptions } from "./requests.js";
import type { Operation } from "./routes.js";
import { entryOf, JSON_TYPE, represent, TAGGED_TYPE, valueOf, valueOfEntry, wantsTags, type ValueEntry } from "./values.js";

/** A request whose caller may do what it asks for. */
export interface Exchange {
  readonly request: Request;
  readonly query: URLSearchParams;
  readonly mesh: Mesh;
  readonly key: string;
  /** The session that goes on from the request's header, and from these tokens instead where some are given. */
  session(tokens?: readonly string[]): Session;
  /** The transaction of the request's header; unless it has begun, a new one where that has tokens of sessions, or none. */
  transaction(hasBegun: boolean): Transaction;
}

export const OPERATIONS: Readonly<Record<Operation, (exchange: Exchange) => Promise<Response>>> = {
  getValue,
  putValue,
  deleteValue,
  readMany,
  writeMany,
  transact,
  merge,
  readMerged,
  joinSessions,
  getStatus,
  getOpenApi,
};

/** The headers of every answer that a session has made. */
async function sessionHeaders(session: Session): Promise<Record<string, string>> {
  const token = await session.token();
  return { ...tokenHeaders(token), ...(session.waitedMs === 0 ? {} : { [WAITED_HEADER]: String(Math.ceil(session.waitedMs)) }) };
}

function tokenHeaders(token: string): Record<string, string> {
  return {
    [SESSION_HEADER]: token,
    // An answer belongs to one session; whoever keeps it asks whether it still holds, with If-None-Match.
    "cache-control": "private, no-cache",
    vary: `authorization, accept, ${SESSION_HEADER}`,
  };
}

// One key.

async function getValue({ request, query, key, ...exchange }: Exchange): Promise<Response> {
  checkQuery(query, []);
  const session = exchange.session();
  const entry = await session.getEntry(key);
  const headers = { ...(await sessionHeaders(session)), ...entryHeaders(entry) };
  const isHead = request.method === "HEAD";
  if (!entry.hit) {
    const missing = problemResponse(new Problem("NOT_FOUND", `there is no value at ${JSON.stringify(key)}`, headers));
    return isHead ? new Response(null, missing) : missing;
  }
  const withTags = wantsTags(request.headers.get("accept"));
  const { contentType, bytes } = represent(entry.value, withTags);
  const etag = entry.version === undefined ? await digestTag(bytes) : `"${entry.version}${withTags ? ";tagged" : ""}"`;
  if (isNamed(request.headers.get("if-none-match"), etag)) return new Response(null, { status: 304, headers: { ...headers, etag } });
  const content = {
    etag,
    "content-type": contentType,
    "content-length": String(bytes.length),
    // A stored page is data: no browser may take it for a page of this server's.
    "x-content-type-options": "nosniff",
    "content-security-policy": "sandbox; default-src 'none'",
  };
  return new Response(isHead ? null : bytes, { headers: { ...headers, ...content } });
}

function entryHeaders({ version, ageMs }: Entry<unknown>): Record<string, string> {
  if (version === undefined || ageMs === undefined) return {};
  const age = Math.round(ageMs);
  return { [VERSION_HEADER]: version, [AGE_HEADER]: String(age), "last-modified": new Date(Date.now() - age).toUTCString() };
}

/** For values that no write of the mesh's has made, such as a loader's. */
async function digestTag(bytes: Uint8Array): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>));
  return `"sha256-${Array.from(digest.subarray(0, 16), (byte) => byte.toString(16).padStart(2, "0")).join("")}"`;
}

/** Whether an `If-None-Match` header names the tag, by the weak comparison. */
function isNamed(header: string | null, etag: string): boolean {
  if (header === null) return false;
  return header.trim() === "*" || header.split(",").some((tag) => tag.trim().replace(/^W\//, "") === etag);
}

const CONDITIONS = ["if-match", "if-none-match", "if-unmodified-since"];

/** A condition that is not looked at would overwrite what its sender wanted kept. */
function refuseConditions({ headers }: Request): void {
  const condition = CONDITIONS.find((name) => headers.has(name));
  if (condition !== undefined)
    throw new Problem(
      "UNSUPPORTED",
      `${condition} on a write would need all nodes to agree first, which the mesh does not do: concurrent writes have one winner; send it without`,
    );
}

async function putValue({ request, query, key, ...exchange }: Exchange): Promise<Response> {
  refuseConditions(request);
  const options = setOptions(query, request.headers);
  const session = exchange.session();
  await session.set(key, valueOf(await readBody(request), request.headers.get("content-type")), options);
  return new Response(null, { status: 204, headers: await sessionHeaders(session) });
}

async function deleteValue({ request, query, key, ...exchange }: Exchange): Promise<Response> {
  refuseConditions(request);
  const options = deleteOptions(query, request.headers);
  const session = exchange.session();
  await session.delete(key, options);
  return new Response(null, { status: 204, headers: await sessionHeaders(session) });
}

// Several keys.

function answer(request: Request, body: unknown, headers: Record<string, string>): Response {
  const withTags = wantsTags(request.headers.get("accept"));
  const bytes = withTags ? jsonCodec.encode(body) : new TextEncoder().encode(JSON.stringify(body));
  return new Response(bytes, { headers: { ...headers, "content-type": withTags ? TAGGED_TYPE : JSON_TYPE } });
}

async function readMany({ request, query, ...exchange }: Exchange): Promise<Response> {
  checkQuery(query, []);
  const members = await readMembers(request);
  checkMembers(members, ["keys"]);
  const keys = listOf(members, "keys", isText, limits.KEYS_PER_REQUEST_MAX, '{"keys": ["a", "b"]}');
  const session = exchange.session();
  const values = await session.getMany(keys);
  return answer(request, { entries: entriesOf(request, keys, values) }, await sessionHeaders(session));
}

function entriesOf(request: Request, keys: readonly string[], values: readonly unknown[]): object[] {
  const withTags = wantsTags(request.headers.get("accept"));
  return keys.map((key, index) => (values[index] === undefined ? { key, hit: false } : { key, hit: true, ...entryOf(values[index], withTags) }));
}

interface SetEntry extends ValueEntry {
  readonly key: string;
}

const isSetEntry = (item: unknown): item is SetEntry => typeof item === "object" && item !== null && isText((item as SetEntry).key) && "value" in item;
const WRITE_EXAMPLE = '{"set": [{"key": "a", "value": 1}]} or {"delete": ["a"]}';

async function writeMany({ request, query, ...exchange }: Exchange): Promise<Response> {
  refuseConditions(request);
  const members = await readMembers(request);
  checkMembers(members, ["set", "delete"]);
  if ("set" in members === "delete" in members) throw new Problem("REQUEST_INVALID", `the body has either "set" or "delete": ${WRITE_EXAMPLE}`);
  const session = exchange.session();
  if ("set" in members) {
    const entries = listOf(members, "set", isSetEntry, limits.KEYS_PER_REQUEST_MAX, WRITE_EXAMPLE);
    const options = setOptions(query, request.headers);
    await session.setMany(
      entries.map((entry) => [entry.key, valueOfEntry(entry)] as const),
      options,
    );
  } else {
    const keys = listOf(members, "delete", isText, limits.KEYS_PER_REQUEST_MAX, WRITE_EXAMPLE);
    const options = deleteOptions(query, request.headers);
    await session.deleteMany(keys, options);
  }
  return new Response(null, { status: 204, headers: await sessionHeaders(session) });
}

// Transactions.

interface TransactionEntry extends SetEntry {
  readonly ttl?: Duration;
}

const TRANSACTION_EXAMPLE = '{"read": ["a"], "set": [{"key": "b", "value": 1, "ttl": "1h"}], "delete": ["c"], "end": "commit"}';
const isTransactionEntry = (item: unknown): item is TransactionEntry => isSetEntry(item);

/** Reads, then writes, then ends a transaction, each where it is asked for. Until its end, the token of the answer is that of the open transaction. */
async function transact({ request, query, ...exchange }: Exchange): Promise<Response> {
  const members = await readMembers(request);
  checkMembers(members, ["begun", "read", "set", "delete", "end"]);
  const list = <Item>(name: string, isItem: (item: unknown) => item is Item): Item[] =>
    name in members ? listOf(members, name, isItem, limits.KEYS_PER_REQUEST_MAX, TRANSACTION_EXAMPLE) : [];
  const keys = list("read", isText);
  const entries = list("set", isTransactionEntry);
  const deleted = list("delete", isText);
  const { begun = false, end } = members;
  if (typeof begun !== "boolean")
    throw new Problem("REQUEST_INVALID", 'the body\'s "begun" is true where the header has the token of an open transaction, or missing');
  if (end !== undefined && end !== "commit" && end !== "rollback")
    throw new Problem("REQUEST_INVALID", `the body's "end" is "commit" or "rollback", or missing: ${TRANSACTION_EXAMPLE}`);
  const options = deleteOptions(query, request.headers);
  const transaction = exchange.transaction(begun);
  const values = keys.length === 0 ? [] : await transaction.getMany(keys);
  for (const entry of entries) await transaction.set(entry.key, valueOfEntry(entry), { ttl: entry.ttl });
  await transaction.deleteMany(deleted);
  const read = { entries: entriesOf(request, keys, values) };
  if (end === undefined) return answer(request, { ...read, state: "open" }, tokenHeaders(await transaction.token()));
  const version = end === "commit" ? (await transaction.commit(options)).version : undefined;
  transaction.rollback();
  const state = end === "commit" ? "committed" : "rolled back";
  const headers = await sessionHeaders(transaction.session);
  return answer(request, { ...read, state, ...(version === undefined ? {} : { version }) }, headers);
}

// Values that merge.

async function merge({ request, query, ...exchange }: Exchange): Promise<Response> {
  refuseConditions(request);
  const change = changeIn(await readMembers(request));
  const options = deleteOptions(query, request.headers);
  const session = exchange.session();
  await made(session, change, options);
  return new Response(null, { status: 204, headers: await sessionHeaders(session) });
}

async function readMerged({ request, query, ...exchange }: Exchange): Promise<Response> {
  checkQuery(query, []);
  const { kind, key } = nameIn(await readMembers(request));
  const session = exchange.session();
  const read = kind === "counter" ? { count: await session.count(key) } : { members: await session.members(key) };
  return answer(request, read, await sessionHeaders(session));
}

// The rest.

async function joinSessions({ request, query, ...exchange }: Exchange): Promise<Response> {
  checkQuery(query, []);
  const members = await readMembers(request);
  checkMembers(members, ["tokens"]);
  const tokens = listOf(members, "tokens", isText, TOKENS_PER_REQUEST_MAX, '{"tokens": ["…", "…"]}');
  const headers = await sessionHeaders(exchange.session(tokens));
  return answer(request, { session: headers[SESSION_HEADER] }, headers);
}

async function getStatus({ query, mesh }: Exchange): Promise<Response> {
  checkQuery(query, []);
  return Response.json(await mesh.status(), { headers: { "cache-control": "no-store" } });
}

async function getOpenApi({ request }: Exchange): Promise<Response> {
  return Response.json(openApiDocument(new URL(request.url).origin), { headers: { "cache-control": "no-cache" } });
}
