// Interceptors of the workflow: they run in its sandbox, where there is no mesh. What the workflow has seen is a list of tokens, which each
// activity and child workflow gets, and which those that they answer with take the place of; parallel ones leave several, which the next one joins.

import type { Headers } from "@temporalio/common";
import type { WorkflowInterceptors } from "@temporalio/workflow";
import { envelope, forParent, isForParent, openEnvelope, tokensOf, withTokens } from "./envelope.js";

class WorkflowSession {
  #tokens: readonly string[] = [];

  get tokens(): readonly string[] {
    return this.#tokens;
  }

  join(tokens: readonly string[]): void {
    this.#tokens = [...new Set([...this.#tokens, ...tokens])];
  }

  /** A call with what has been seen so far; its answer covers that, and nothing of what others have answered meanwhile. */
  async call<Input extends { readonly headers: Headers }>(input: Input, next: (input: Input) => Promise<unknown>): Promise<unknown> {
    const sent = this.#tokens;
    return this.answered(sent, await next({ ...input, headers: withTokens(input.headers, sent) }));
  }

  answered(sent: readonly string[], answer: unknown): unknown {
    const opened = openEnvelope(answer);
    if (opened === undefined) return answer;
    this.#tokens = this.#tokens.filter((token) => !sent.includes(token));
    this.join(opened.tokens);
    return opened.result;
  }
}

/**
 * What a worker takes as one of its `interceptors.workflowModules`. The session begins with the header of whoever started the workflow, goes with
 * activities, child workflows, signals and the next run, and comes back with the results of activities and child workflows.
 */
export const interceptors = (): WorkflowInterceptors => {
  const session = new WorkflowSession();
  return {
    inbound: [
      {
        execute: async (input, next) => {
          session.join(tokensOf(input.headers) ?? []);
          const result = await next(input);
          return isForParent(input.headers) ? envelope({ tokens: session.tokens, result }) : result;
        },
        handleSignal: async (input, next) => {
          session.join(tokensOf(input.headers) ?? []);
          await next(input);
        },
        handleUpdate: async (input, next) => {
          session.join(tokensOf(input.headers) ?? []);
          return await next(input);
        },
      },
    ],
    outbound: [
      {
        scheduleActivity: (input, next) => session.call(input, next),
        scheduleLocalActivity: (input, next) => session.call(input, next),
        startChildWorkflowExecution: async (input, next) => {
          const sent = session.tokens;
          const [started, result] = await next({ ...input, headers: forParent(withTokens(input.headers, sent)) });
          return [started, result.then((answer) => session.answered(sent, answer))];
        },
        signalWorkflow: (input, next) => next({ ...input, headers: withTokens(input.headers, session.tokens) }),
        continueAsNew: (input, next) => next({ ...input, headers: withTokens(input.headers, session.tokens) }),
      },
    ],
  };
};
