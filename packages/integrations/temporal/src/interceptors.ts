// Interceptors where there is a mesh: of activities, and of the client that starts workflows.

import type { Mesh, MeshError } from "@causalmesh/core";
import { requireTokens, worked, type ReceiveOptions } from "@causalmesh/carriers";
import type { WorkflowClientInterceptor } from "@temporalio/client";
import { ApplicationFailure, type Headers } from "@temporalio/common";
import { envelope, SESSION_HEADER_NAME, tokensOf, withTokens } from "./envelope.js";

/** What an activity is called with: the part of the worker's `ActivityExecuteInput` that is used. */
export interface ActivityCall {
  readonly args: unknown[];
  readonly headers: Headers;
}

/** An `ActivityInboundCallsInterceptor` of @temporalio/worker. */
export interface ActivitySessionInterceptor {
  execute<Input extends ActivityCall>(input: Input, next: (input: Input) => Promise<unknown>): Promise<unknown>;
}

/**
 * Makes the session that came with an activity ambient in it, and sends it back with the result: for the worker's option
 * `interceptors.activity`, as `[() => ({ inbound: sessionActivityInterceptor(mesh) })]`. An activity that fails sends nothing back; its next attempt
 * begins where it began. A token that is not sound, or missing where `required`, fails the activity for good, as an ApplicationFailure of the code's type.
 */
export function sessionActivityInterceptor(mesh: Mesh, { required = false, ...options }: ReceiveOptions = {}): ActivitySessionInterceptor {
  return {
    execute: async (input, next) => {
      const tokens = tokensOf(input.headers);
      const scope = nonRetryable(() => mesh.begin(requireTokens(tokens ?? [], `the header ${SESSION_HEADER_NAME} of the activity`, required), options));
      const { outcome, token } = await worked(scope, () => next(input));
      // Whoever sent no header does not take the token off the result.
      return tokens === undefined ? outcome : envelope({ tokens: [token], result: outcome });
    },
  };
}

/** A token that is wrong does not become right by trying again. */
function nonRetryable<Result>(begin: () => Result): Result {
  try {
    return begin();
  } catch (error) {
    const { code, message, retryable } = error as MeshError;
    if (retryable) throw error;
    throw ApplicationFailure.create({ message, type: code, nonRetryable: true, cause: error as Error });
  }
}

/**
 * Sends the ambient session along with workflows that are started, and with signals and updates: for the client's option `interceptors.workflow`. What is
 * called outside of `mesh.run` goes without one. What a workflow has done does not come back with its result; return what the caller needs.
 */
export function sessionClientInterceptor(mesh: Mesh): WorkflowClientInterceptor {
  const carried = async <Input extends { readonly headers: Headers }>(input: Input): Promise<Input> => {
    const scope = mesh.scope();
    return scope === undefined ? input : { ...input, headers: withTokens(input.headers, [await scope.token()]) };
  };
  return {
    start: async (input, next) => await next(await carried(input)),
    startWithDetails: async (input, next) => await next(await carried(input)),
    startUpdate: async (input, next) => await next(await carried(input)),
    signal: async (input, next) => await next(await carried(input)),
    signalWithStart: async (input, next) => await next(await carried(input)),
  };
}
