// Express's middleware: the session of a request is ambient in the handlers behind it, and leaves with their answer.

import { SESSION_HEADER, type Mesh, type SessionScope } from "@causalmesh/core";
import { headerRecordCarrier, isTokenError, receive, type ReceiveOptions } from "@causalmesh/carriers";
import type { RequestHandler } from "express";
import { holdAnswer } from "./held-answer.js";

/**
 * Makes the session that came with a request ambient: the calls of the mesh in the handlers are made with it, and the answer carries it on. It
 * ends when the answer begins: a call of the mesh after `response.json(…)` is refused with NO_SESSION, and an answer that is sent while a call is
 * under way goes to the error handler as SESSION_BUSY. A token that is not sound, or missing where `required`, goes there too, with status 400.
 */
export function meshSession(mesh: Mesh, options?: ReceiveOptions): RequestHandler {
  return (request, response, next) => {
    let scope: SessionScope;
    try {
      scope = receive(mesh, headerRecordCarrier, request.headers, options);
    } catch (error) {
      next(isTokenError(error) ? Object.assign(error, { status: 400 }) : error);
      return;
    }
    holdAnswer(response, async () => void response.setHeader(SESSION_HEADER, await scope.end()), next);
    scope.run(next);
  };
}
