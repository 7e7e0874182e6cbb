// Hono's middleware: the session of a request is ambient in the handlers behind it, and leaves with their answer.

import { SESSION_HEADER, type Mesh, type SessionScope } from "@causalmesh/core";
import { httpCarrier, isTokenError, receive, worked, type ReceiveOptions } from "@causalmesh/carriers";
import type { MiddlewareHandler } from "hono";
import { HTTPException } from "hono/http-exception";

/**
 * Makes the session that came with a request ambient: the calls of the mesh in the handlers are made with it, and the answer carries it on, also
 * where a handler has failed. A request whose token is not sound, or missing where `required`, is answered with status 400 by an HTTPException.
 * What a streamed body does after the answer has begun is outside of the session.
 */
export function meshSession(mesh: Mesh, options?: ReceiveOptions): MiddlewareHandler {
  return async (context, next) => {
    const { token } = await worked(begin(mesh, context.req.raw, options), next);
    context.header(SESSION_HEADER, token);
  };
}

function begin(mesh: Mesh, request: Request, options: ReceiveOptions | undefined): SessionScope {
  try {
    return receive(mesh, httpCarrier, request, options);
  } catch (error) {
    if (isTokenError(error)) throw new HTTPException(400, { message: error.message, cause: error });
    throw error;
  }
}
