// The HTTP front as a function from Request to Response, which runs wherever there are these two: finds the route, then who asks, then
// whether they may, and only then looks at the session and the body.

import { inspectToken, MeshError, type Duration, type Mesh } from "@causalmesh/core";
import { ANYONE, checkNamespaceOf, checkRole, Keyring, type ApiKeySource, type Caller } from "./api-keys.js";
import { OPERATIONS } from "./operations.js";
import { Problem, problemOf, problemResponse } from "./problem.js";
import { matchRoute, type Match } from "./routes.js";
import { openSession, openTransaction, tokensOf } from "./sessions.js";

/** Options of `httpHandler` and `serveHttp`. */
export interface HttpHandlerOptions {
  /** Who may do what; a function is asked again when its answer is older than `apiKeysMaxAge`, so that keys are rotated while the server runs. */
  readonly apiKeys?: ApiKeySource;
  /** Default 30 s. */
  readonly apiKeysMaxAge?: Duration;
  /** Lets anyone who reaches the server read and write everything, where there are no `apiKeys`. */
  readonly allowUnauthenticated?: boolean;
  /** The node at which all sessions go on, one of the mesh's addresses; default: any for each request. */
  readonly node?: string;
  /** For each call; default: the mesh's. */
  readonly timeoutMs?: number;
  /** Told of every failure of the server's side (status 500 or more), with its cause, and of API keys that cannot be loaded. Default: `console.error`. */
  readonly onError?: (error: unknown, request: Request | undefined) => void;
}

/** An HTTP front; as the default export of a module it is a worker of those edge runtimes that ask for `fetch`. */
export interface HttpHandler {
  /** Never rejects. */
  fetch(request: Request): Promise<Response>;
  /** Asks for the API keys now. Rejects where that fails; the keys of before stay then. */
  reloadApiKeys(): Promise<void>;
}

/**
 * An HTTP front for a mesh, embedded or remote. Rejects with OPTION_INVALID where neither `apiKeys` nor `allowUnauthenticated` is given, or where
 * there are API keys and the mesh has no secret: its tokens could be forged by anyone then.
 */
export async function httpHandler(mesh: Mesh, options: HttpHandlerOptions = {}): Promise<HttpHandler> {
  checkOptions(mesh, options);
  const onError = options.onError ?? ((error: unknown) => console.error("causalmesh http:", error));
  const source = options.apiKeys;
  const keyring =
    source === undefined ? undefined : await Keyring.open({ source, maxAge: options.apiKeysMaxAge, onError: (error) => onError(error, undefined) });
  await mesh.ready();
  // A node that the mesh does not have, or a timeout that is none, is said now and not to the first caller.
  const session = mesh.session(undefined, { node: options.node, timeoutMs: options.timeoutMs });
  if (keyring !== undefined) await checkSecret(await session.token());
  const respond = async (request: Request): Promise<Response> => {
    try {
      return await serve(request, mesh, options, keyring);
    } catch (error) {
      // A Problem is what the caller did, also where the answer is that the mesh cannot do it.
      if (!(error instanceof Problem) && problemOf(error).status >= 500) onError(error, request);
      const response = problemResponse(error);
      return request.method === "HEAD" ? new Response(null, response) : response;
    }
  };
  return { fetch: respond, reloadApiKeys: async () => await keyring?.reload() };
}

function checkOptions(mesh: Mesh, { apiKeys, allowUnauthenticated }: HttpHandlerOptions): void {
  if (typeof mesh?.session !== "function") throw new MeshError("OPTION_INVALID", "the mesh is missing; give one from createMesh, connect or connectHttp");
  if (apiKeys !== undefined || allowUnauthenticated === true) return;
  throw new MeshError(
    "OPTION_INVALID",
    "there are no API keys, so whoever reaches the server could read and write everything: give apiKeys, or say allowUnauthenticated: true",
  );
}

/** A mesh without a secret signs with what stands in every token. */
async function checkSecret(token: string): Promise<void> {
  if (inspectToken(token, "").signature !== "valid") return;
  throw new MeshError(
    "OPTION_INVALID",
    "the mesh has no secret, so anyone could forge session tokens and see or stall what is others': give a secret to createMesh or connect, and to the nodes",
  );
}

async function serve(request: Request, mesh: Mesh, options: HttpHandlerOptions, keyring: Keyring | undefined): Promise<Response> {
  const url = new URL(request.url);
  const match = matchRoute(request.method, url.pathname);
  const caller = await callerOf(request, match, keyring);
  const { node, timeoutMs } = options;
  const { namespace } = match;
  return await OPERATIONS[match.route.operation]({
    request,
    query: url.searchParams,
    mesh,
    key: match.key ?? "",
    session: (tokens = tokensOf(request.headers)) => openSession(mesh, tokens, { node, timeoutMs, namespace }, caller),
    transaction: (hasBegun) => openTransaction(mesh, tokensOf(request.headers), hasBegun, { node, timeoutMs, namespace }, caller),
  });
}

/** Throws UNAUTHENTICATED or FORBIDDEN. */
async function callerOf(request: Request, { route, namespace }: Match, keyring: Keyring | undefined): Promise<Caller> {
  if (keyring === undefined || route.role === undefined) return ANYONE;
  const caller = await keyring.caller(request.headers.get("authorization"));
  if (namespace !== undefined) checkNamespaceOf(caller, namespace);
  checkRole(caller, route.role);
  return caller;
}
