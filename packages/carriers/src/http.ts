// HTTP with fetch's own types: servers from Request to Response, and the calls that they make of each other.

import { MeshError, SESSION_HEADER, tokensInHeader, type Mesh } from "@causalmesh/core";
import { carry, requireTokens, type ReceiveOptions, type SessionCarrier } from "./carrier.js";

const PLACE = `the header ${SESSION_HEADER}`;

/** Header lines as plain members, whatever their case, as Node.js and Lambda have them. */
export type HeaderRecord = Readonly<Record<string, string | readonly string[] | undefined>>;

/** Carries sessions in requests, and back in their answers. */
export const httpCarrier: SessionCarrier<Request, Response> = {
  place: PLACE,
  extract: ({ headers }) => tokensInHeader(headers.get(SESSION_HEADER)),
  inject: (response, token) => {
    const headers = new Headers(response.headers);
    headers.set(SESSION_HEADER, token);
    return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
  },
};

/** Carries sessions in header lines that are members of an object. */
export const headerRecordCarrier: SessionCarrier<HeaderRecord> = {
  place: PLACE,
  extract: (headers) =>
    Object.entries(headers).flatMap(([name, value]) => (isSessionHeader(name) ? [value ?? []].flat().flatMap((line) => tokensInHeader(line)) : [])),
  inject: (headers, token) => ({ ...Object.fromEntries(Object.entries(headers).filter(([name]) => !isSessionHeader(name))), [SESSION_HEADER]: token }),
};

function isSessionHeader(name: string): boolean {
  return name.toLowerCase() === SESSION_HEADER;
}

/** Options of `fetchHandler`. */
export interface FetchHandlerOptions extends ReceiveOptions {
  /** The answer to a request whose token is missing or not sound. Default: status 400 with code and message as JSON. */
  readonly refuse?: (error: MeshError, request: Request) => Response | Promise<Response>;
}

/**
 * A server from Request to Response, whose calls of the mesh are made with the session that came with the request; the answer carries it on. For
 * servers of any framework that has such a function, and for edge runtimes. A body that is made after the answer has begun is outside of the
 * session, since its token has left.
 */
export function fetchHandler<Rest extends unknown[]>(
  mesh: Mesh,
  handler: (request: Request, ...rest: Rest) => Response | Promise<Response>,
  { refuse = refusal, ...options }: FetchHandlerOptions = {},
): (request: Request, ...rest: Rest) => Promise<Response> {
  return async (request, ...rest) => {
    let began = false;
    try {
      return await carry(mesh, httpCarrier, request, () => ((began = true), handler(request, ...rest)), options);
    } catch (error) {
      if (began || !isTokenError(error)) throw error;
      return await refuse(error, request);
    }
  };
}

/** Whether the error is about the token that a message came with, and so the sender's. */
export function isTokenError(error: unknown): error is MeshError {
  return error instanceof MeshError && error.code.startsWith("TOKEN_");
}

function refusal({ code, message }: MeshError): Response {
  return Response.json({ code, message }, { status: 400 });
}

/** Options of `sessionFetch`. */
export interface SessionFetchOptions {
  /**
   * The servers that get the session: their origins, such as `https://orders.example.com`, or a function that says it of a URL. Nobody else does: a
   * token carries what the session has just written.
   */
  readonly to: readonly string[] | ((url: URL) => boolean);
  /** Whether an answer without a token is an error, TOKEN_MISSING: then a proxy has dropped it, or the server carries no sessions. Default: false. */
  readonly required?: boolean;
  /** The fetch to use; default: the platform's. */
  readonly fetch?: (request: Request) => Promise<Response>;
}

/**
 * A `fetch` that takes the ambient session along to the servers named, and takes over what comes back with their answers. Calls of it may run
 * in parallel: each is a branch, and is joined with its answer. Rejects with NO_SESSION where it is called outside of `mesh.run`, and with FORBIDDEN
 * where such a server redirects: the session would go wherever that leads.
 */
export function sessionFetch(mesh: Mesh, { to, required = false, fetch: send = (request) => fetch(request) }: SessionFetchOptions): typeof fetch {
  const isOurs = typeof to === "function" ? to : originTest(to);
  return async (input, init) => {
    const asked = new Request(input, init);
    if (!isOurs(new URL(asked.url))) return await send(asked);
    // A platform that follows a redirect takes the header along to wherever it leads.
    const request = new Request(asked, { redirect: "manual" });
    const scope = mesh.scope();
    if (scope === undefined)
      throw new MeshError("NO_SESSION", `there is no session here for ${request.url}: call it within mesh.run, or with a fetch that carries none`);
    request.headers.set(SESSION_HEADER, await scope.token());
    const response = await send(request);
    const tokens = requireTokens(tokensInHeader(response.headers.get(SESSION_HEADER)), `${PLACE} of the answer of ${request.url}`, required);
    for (const token of tokens) scope.join(token);
    if (asked.redirect !== "manual") refuseRedirect(request.url, response);
    return response;
  };
}

const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];

function refuseRedirect(url: string, { status, type, headers }: Response): void {
  if (type !== "opaqueredirect" && !REDIRECTS.includes(status)) return;
  const where = headers.get("location") ?? "another address";
  throw new MeshError(
    "FORBIDDEN",
    `${url} redirects to ${where}, where the session does not follow: call that address itself, or follow with redirect: "manual"`,
  );
}

function originTest(origins: readonly string[]): (url: URL) => boolean {
  const known = new Set(
    origins.map((origin) => {
      if (URL.canParse(origin)) return new URL(origin).origin;
      throw new MeshError("OPTION_INVALID", `${origin} is no origin; write it as https://orders.example.com`);
    }),
  );
  return (url) => known.has(url.origin);
}
