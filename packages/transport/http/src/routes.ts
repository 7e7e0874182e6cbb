// Which route a request means. A path is /v1/{namespace}/{key}, where the key may have slashes, encoded or not; the few others are told
// from it by their method or by having one part less.

import type { Role } from "./api-keys.js";
import { Problem } from "./problem.js";
import { decodePart } from "./requests.js";

export type Operation =
  | "getValue"
  | "putValue"
  | "deleteValue"
  | "readMany"
  | "writeMany"
  | "transact"
  | "merge"
  | "readMerged"
  | "joinSessions"
  | "getStatus"
  | "getOpenApi";

export interface Route {
  readonly operation: Operation;
  readonly method: string;
  /** As in the OpenAPI document. */
  readonly template: string;
  /** The role that it takes; undefined: none is asked for. */
  readonly role: Role | undefined;
}

const KEY = "/v1/{namespace}/{key}";

/** Routes that name their keys in the body, in the place of one. */
const MANY: readonly string[] = ["read", "write", "transaction", "merge", "merged"];

export const ROUTES: readonly Route[] = [
  { operation: "getValue", method: "GET", template: KEY, role: "read" },
  { operation: "getValue", method: "HEAD", template: KEY, role: "read" },
  { operation: "putValue", method: "PUT", template: KEY, role: "write" },
  { operation: "deleteValue", method: "DELETE", template: KEY, role: "write" },
  { operation: "readMany", method: "POST", template: "/v1/{namespace}/read", role: "read" },
  { operation: "writeMany", method: "POST", template: "/v1/{namespace}/write", role: "write" },
  { operation: "transact", method: "POST", template: "/v1/{namespace}/transaction", role: "write" },
  { operation: "merge", method: "POST", template: "/v1/{namespace}/merge", role: "write" },
  { operation: "readMerged", method: "POST", template: "/v1/{namespace}/merged", role: "read" },
  { operation: "joinSessions", method: "POST", template: "/v1/session/join", role: "read" },
  { operation: "getStatus", method: "GET", template: "/v1/status", role: "admin" },
  { operation: "getOpenApi", method: "GET", template: "/v1/openapi.json", role: undefined },
];

export interface Match {
  readonly route: Route;
  readonly namespace: string | undefined;
  readonly key: string | undefined;
}

/** The route of a request. Throws ROUTE_UNKNOWN, METHOD_NOT_ALLOWED, UNSUPPORTED for listings, and KEY_INVALID. */
export function matchRoute(method: string, path: string): Match {
  if (path === "/v1/openapi.json" || path === "/v1/status") return { ...pick([path], method), namespace: undefined, key: undefined };
  const found = /^\/v1\/([^/]+)\/(.*)$/.exec(path);
  if (found === null) throw new Problem("ROUTE_UNKNOWN", `there is nothing at ${path}; values are at ${KEY}, and /v1/openapi.json describes all routes`);
  const [, namespacePart, keyPart] = found;
  const namespace = decodePart(namespacePart);
  if (keyPart === "" || keyPart.endsWith("/") || /(^|\/):$/.test(keyPart)) throw listing();
  if (method === "POST" && path === "/v1/session/join") return { ...pick([path], method), namespace: undefined, key: undefined };
  const templates = MANY.includes(keyPart) ? [KEY, `/v1/{namespace}/${keyPart}`] : [KEY];
  return { ...pick(templates, method), namespace, key: decodePart(keyPart) };
}

function pick(templates: readonly string[], method: string): { route: Route } {
  const routes = ROUTES.filter(({ template }) => templates.includes(template));
  const route = routes.find((candidate) => candidate.method === method);
  if (route !== undefined) return { route };
  const allowed = routes.map((candidate) => candidate.method).join(", ");
  throw new Problem("METHOD_NOT_ALLOWED", `${method} is not possible here; there is ${allowed}`, { allow: allowed });
}

/** `…/` and, as unstorage asks, `…/:`. */
function listing(): Problem {
  return new Problem(
    "UNSUPPORTED",
    "the mesh lists and clears no keys: which ones there are is nothing that a cache knows; get, put, head and delete single keys, and keep a list of them under a key of its own (a key that ends with / or /: has that encoded as %2F or %3A)",
  );
}
