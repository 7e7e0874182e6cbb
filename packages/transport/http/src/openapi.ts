// The OpenAPI 3.1 description that /v1/openapi.json answers. A test holds it to the routes and to real answers.

import { limits } from "@causalmesh/core";
import { TOKENS_PER_REQUEST_MAX } from "./limits.js";
import { PROBLEM_TYPE, PROBLEMS } from "./problem.js";
import { JSON_TYPE } from "./values.js";

type Json = Readonly<Record<string, unknown>>;

const ref = (kind: string, name: string): Json => ({ $ref: `#/components/${kind}/${name}` });
const json = (schema: Json): Json => ({ [JSON_TYPE]: { schema } });
const header = (description: string, schema: Json = { type: "string" }): Json => ({ description, schema });

const ANY_BODY: Json = { [JSON_TYPE]: { schema: {} }, "*/*": { schema: { type: "string", contentMediaType: "application/octet-stream" } } };
const SESSION = { "causalmesh-session": ref("headers", "session"), "causalmesh-waited-ms": ref("headers", "waited") };
const ENTRY = { ...SESSION, "causalmesh-version": ref("headers", "version"), "causalmesh-age-ms": ref("headers", "age") };

/** The answers that every route with a session may give instead of its own. */
function failures(...statuses: readonly number[]): Json {
  const all = [...new Set([400, 401, 403, 409, 500, 502, 503, 504, ...statuses])].sort();
  return Object.fromEntries(all.map((status) => [status, ref("responses", "problem")]));
}

const KEY_PATH: Json = {
  parameters: [ref("parameters", "namespace"), ref("parameters", "key"), ref("parameters", "session")],
  get: {
    operationId: "getValue",
    summary: "Reads a value",
    description:
      "The newest value that the node shows, and never one older than what the session has seen or written. HEAD answers the same without the value.",
    parameters: [
      {
        name: "accept",
        in: "header",
        schema: { type: "string" },
        description: "application/vnd.causalmesh+json brings dates, maps, sets, big integers and bytes back with tags.",
      },
      { name: "if-none-match", in: "header", schema: { type: "string" } },
    ],
    responses: {
      200: {
        description: "The value, JSON or bytes with the content type that they were put with",
        headers: { ...ENTRY, etag: ref("headers", "etag") },
        content: ANY_BODY,
      },
      304: { description: "The value is still the one with this tag", headers: { ...ENTRY, etag: ref("headers", "etag") } },
      ...failures(),
      404: { description: "The key was never set, is deleted or has expired", headers: ENTRY, content: problemContent() },
    },
  },
  head: {
    operationId: "headValue",
    summary: "Tells whether there is a value, and which version",
    responses: {
      200: { description: "There is one", headers: { ...ENTRY, etag: ref("headers", "etag") } },
      304: { description: "The value is still the one with this tag", headers: ENTRY },
      ...Object.fromEntries(Object.keys(failures()).map((status) => [status, { description: "As for GET, without a body" }])),
      404: { description: "There is none", headers: ENTRY },
    },
  },
  put: {
    operationId: "putValue",
    summary: "Sets a value",
    parameters: [ref("parameters", "ttl"), ref("parameters", "durability")],
    requestBody: { required: true, content: ANY_BODY },
    responses: { 204: { description: "Set", headers: SESSION }, ...failures(413, 415, 501, 507) },
  },
  delete: {
    operationId: "deleteValue",
    summary: "Deletes a value",
    parameters: [ref("parameters", "durability")],
    responses: { 204: { description: "Deleted, or was not there", headers: SESSION }, ...failures(501, 507) },
  },
};

const READ_PATH: Json = {
  parameters: [ref("parameters", "namespace"), ref("parameters", "session")],
  post: {
    operationId: "readMany",
    summary: "Reads several keys from one causal cut",
    requestBody: { required: true, content: json(object({ keys: { type: "array", items: { type: "string" }, maxItems: limits.KEYS_PER_REQUEST_MAX } })) },
    responses: {
      200: {
        description: "The values, in the order asked",
        headers: SESSION,
        content: json(object({ entries: { type: "array", items: ref("schemas", "entry") } })),
      },
      ...failures(413, 415),
    },
  },
};

const WRITE_PATH: Json = {
  parameters: [ref("parameters", "namespace"), ref("parameters", "session"), ref("parameters", "ttl"), ref("parameters", "durability")],
  post: {
    operationId: "writeMany",
    summary: "Sets or deletes several keys in one write: whoever sees one of them sees all",
    requestBody: {
      required: true,
      content: json({
        oneOf: [
          object({ set: { type: "array", items: ref("schemas", "setEntry"), maxItems: limits.KEYS_PER_REQUEST_MAX } }),
          object({ delete: { type: "array", items: { type: "string" }, maxItems: limits.KEYS_PER_REQUEST_MAX } }),
        ],
      }),
    },
    responses: { 204: { description: "Written", headers: SESSION }, ...failures(413, 415, 501, 507) },
  },
};

const TRANSACTION_PATH: Json = {
  parameters: [ref("parameters", "namespace"), ref("parameters", "session"), ref("parameters", "durability")],
  post: {
    operationId: "transact",
    summary: "Reads from one snapshot, writes and commits as one write; until its end, the session header carries the open transaction",
    requestBody: {
      required: true,
      content: json(
        object(
          {},
          {
            begun: { type: "boolean", description: "The session header has the token of an open transaction; refused where it has not." },
            read: { type: "array", items: { type: "string" }, maxItems: limits.KEYS_PER_REQUEST_MAX },
            set: { type: "array", items: ref("schemas", "transactionEntry"), maxItems: limits.KEYS_PER_REQUEST_MAX },
            delete: { type: "array", items: { type: "string" }, maxItems: limits.KEYS_PER_REQUEST_MAX },
            end: { enum: ["commit", "rollback"] },
          },
        ),
      ),
    },
    responses: {
      200: {
        description: "What was read, and what has become of the transaction",
        headers: SESSION,
        content: json(
          object(
            { entries: { type: "array", items: ref("schemas", "entry") }, state: { enum: ["open", "committed", "rolled back"] } },
            { version: { type: "string", description: "The write that was made, replica:counter." } },
          ),
        ),
      },
      ...failures(413, 415, 507),
    },
  },
};

const TEXTS: Json = { type: "array", items: { type: "string" }, maxItems: limits.KEYS_PER_REQUEST_MAX };

const MERGE_PATH: Json = {
  parameters: [ref("parameters", "namespace"), ref("parameters", "session"), ref("parameters", "durability")],
  post: {
    operationId: "merge",
    summary: "Changes a counter or a set: concurrent changes all count. What is removed of a set is what this session sees in it",
    requestBody: {
      required: true,
      content: json({
        oneOf: [object({ counter: { type: "string" }, add: { type: "integer" } }), object({ set: { type: "string" } }, { add: TEXTS, remove: TEXTS })],
      }),
    },
    responses: { 204: { description: "Changed", headers: SESSION }, ...failures(413, 415, 501, 507) },
  },
};

const MERGED_PATH: Json = {
  parameters: [ref("parameters", "namespace"), ref("parameters", "session")],
  post: {
    operationId: "readMerged",
    summary: "Reads a counter or a set",
    requestBody: { required: true, content: json({ oneOf: [object({ counter: { type: "string" } }), object({ set: { type: "string" } })] }) },
    responses: {
      200: {
        description: "The count, or the members in order",
        headers: SESSION,
        content: json({ oneOf: [object({ count: { type: "integer" } }), object({ members: { type: "array", items: { type: "string" } } })] }),
      },
      ...failures(413, 415),
    },
  },
};

const JOIN_PATH: Json = {
  post: {
    operationId: "joinSessions",
    summary: "Joins the branches of a workflow: a session that has seen what each of them has; with no token, a new session",
    requestBody: { required: true, content: json(object({ tokens: { type: "array", items: { type: "string" }, maxItems: TOKENS_PER_REQUEST_MAX } })) },
    responses: { 200: { description: "The joined session", headers: SESSION, content: json(object({ session: { type: "string" } })) }, ...failures(413, 415) },
  },
};

const STATUS_PATH: Json = {
  get: {
    operationId: "getStatus",
    summary: "What each node of the mesh knows (role admin)",
    responses: { 200: { description: "The mesh", content: json(ref("schemas", "status")) }, ...failures() },
  },
};

const OPENAPI_PATH: Json = {
  get: { operationId: "getOpenApi", summary: "This document", security: [], responses: { 200: { description: "It", content: json({ type: "object" }) } } },
};

function object(properties: Json, optional: Json = {}): Json {
  return { type: "object", properties: { ...properties, ...optional }, required: Object.keys(properties), additionalProperties: false };
}

function problemContent(): Json {
  return { [PROBLEM_TYPE]: { schema: ref("schemas", "problem") } };
}

const ENCODED = { encoding: { const: "base64", description: "The value is bytes, in base64." }, contentType: { type: "string" } };

const COMPONENTS: Json = {
  securitySchemes: { apiKey: { type: "http", scheme: "bearer", description: "An API key of the server's." } },
  parameters: {
    namespace: { name: "namespace", in: "path", required: true, schema: { type: "string", pattern: "^[\\w.:/-]{1,128}$" } },
    key: {
      name: "key",
      in: "path",
      required: true,
      description: `The rest of the path, decoded; at most ${limits.KEY_BYTES_MAX} bytes with the namespace. Slashes may be encoded or not.`,
      schema: { type: "string", minLength: 1 },
    },
    session: {
      name: "causalmesh-session",
      in: "header",
      description: "The session token of the last answer, or several with commas, which are joined. Without one a new session begins.",
      schema: { type: "string" },
    },
    ttl: {
      name: "ttl",
      in: "query",
      description: "The value counts as absent after this time: milliseconds, or with a unit: 30s, 5m, 1h, 7d.",
      schema: { type: "string" },
    },
    durability: {
      name: "durability",
      in: "query",
      description: "When the write is answered.",
      schema: { enum: ["memory", "replicated", "everywhere", "stored"] },
    },
  },
  headers: {
    session: header("The session after this request; send it with the next one."),
    waited: header("Milliseconds that the answer waited until the session was small enough for a header; absent where it did not.", {
      type: "integer",
      minimum: 1,
    }),
    version: header("The write that was read, replica:counter; also of a deletion."),
    age: header("Age of that write in milliseconds.", { type: "integer", minimum: 0 }),
    etag: header("The version of the value in this representation."),
  },
  responses: { problem: { description: "What went wrong, and what to do", content: problemContent() } },
  schemas: {
    problem: object(
      {
        type: { type: "string" },
        title: { type: "string" },
        status: { type: "integer" },
        detail: { type: "string" },
        code: { enum: Object.keys(PROBLEMS) },
        retryable: { type: "boolean" },
      },
      { retryAfterMs: { type: "number" } },
    ),
    entry: object({ key: { type: "string" }, hit: { type: "boolean" } }, { value: {}, ...ENCODED }),
    setEntry: object({ key: { type: "string" }, value: {} }, ENCODED),
    transactionEntry: object({ key: { type: "string" }, value: {} }, { ...ENCODED, ttl: { type: ["string", "number"] } }),
    status: object({
      epoch: { type: "integer" },
      members: { type: "array", items: { type: "object", required: ["replica", "address"] } },
      unreachable: { type: "array", items: { type: "string" } },
    }),
  },
};

/** The document of a server at this origin. */
export function openApiDocument(origin: string): Json {
  return {
    openapi: "3.1.0",
    info: {
      title: "CausalMesh",
      version: "1",
      license: { name: "MIT", identifier: "MIT" },
      description: "A causally consistent cache. Carry the header causalmesh-session from each answer to the next request.",
    },
    servers: [{ url: origin }],
    security: [{ apiKey: [] }],
    paths: {
      "/v1/{namespace}/{key}": KEY_PATH,
      "/v1/{namespace}/read": READ_PATH,
      "/v1/{namespace}/write": WRITE_PATH,
      "/v1/{namespace}/transaction": TRANSACTION_PATH,
      "/v1/{namespace}/merge": MERGE_PATH,
      "/v1/{namespace}/merged": MERGED_PATH,
      "/v1/session/join": JOIN_PATH,
      "/v1/status": STATUS_PATH,
      "/v1/openapi.json": OPENAPI_PATH,
    },
    components: COMPONENTS,
  };
}
