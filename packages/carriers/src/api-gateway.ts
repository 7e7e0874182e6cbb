// HTTP as a Lambda function gets and answers it: API Gateway's formats 1.0 and 2.0, function URLs (which use 2.0) and load balancers.

import type { SessionCarrier } from "./carrier.js";
import { headerRecordCarrier, type HeaderRecord } from "./http.js";

/** What the formats have in common. */
export interface GatewayEvent {
  readonly headers?: HeaderRecord | null;
  /** Of format 1.0, where a header may have several lines. */
  readonly multiValueHeaders?: HeaderRecord | null;
  readonly version?: string;
}

/** An answer with a status, or of format 2.0 whatever is to be the body. */
export type GatewayAnswer = unknown;

/** Carries sessions in HTTP requests that reach a Lambda function, and back in its answers. */
export const gatewayCarrier: SessionCarrier<GatewayEvent, GatewayAnswer> = {
  place: headerRecordCarrier.place,
  // Format 1.0 has each line twice: the last one of a name, and all of them.
  extract: ({ headers, multiValueHeaders }) => headerRecordCarrier.extract(multiValueHeaders ?? headers ?? {}),
  inject: (answer, token) => {
    const whole = wholeAnswer(answer);
    return { ...whole, headers: headerRecordCarrier.inject(whole.headers ?? {}, token) };
  },
};

interface WholeAnswer {
  readonly statusCode: number;
  readonly headers?: HeaderRecord;
  readonly body?: string;
}

function wholeAnswer(answer: GatewayAnswer): WholeAnswer {
  if (typeof answer === "object" && answer !== null && "statusCode" in answer) return answer as WholeAnswer;
  // What API Gateway makes of an answer without a status, in format 2.0.
  const body = typeof answer === "string" ? answer : JSON.stringify(answer ?? null);
  return { statusCode: 200, headers: { "content-type": "application/json" }, body };
}
