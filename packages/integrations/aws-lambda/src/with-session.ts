// A Lambda function whose session comes with its event and goes with its answer.

import { MeshError, type Mesh } from "@causalmesh/core";
import {
  carry,
  gatewayCarrier,
  isTokenError,
  receive,
  sqsCarrier,
  stateCarrier,
  worked,
  type GatewayEvent,
  type ReceiveOptions,
  type SqsIncoming,
} from "@causalmesh/carriers";

/**
 * Makes the session that came with an event ambient in the handler, and hands it on with the answer:
 *
 * - HTTP (API Gateway 1.0 and 2.0, function URLs, load balancers): in the header `causalmesh-session`. A token that is not sound is answered with 400.
 * - SQS: from the attributes of the messages, which are joined. Nothing is answered to.
 * - everything else (Step Functions, direct invocation): in the field `causalmeshSession` of input and output. A list of inputs, as after `Map` and
 *   `Parallel`, is joined.
 *
 * `mesh` may be a function, which is called for each event: so that a cold start connects when there is something to do. It keeps its mesh itself.
 */
export function withSession<Event, Context, Answer>(
  mesh: Mesh | (() => Mesh | Promise<Mesh>),
  handler: (event: Event, context: Context) => Answer | Promise<Answer>,
  options?: ReceiveOptions,
): (event: Event, context: Context) => Promise<Answer> {
  if (typeof handler !== "function") throw new MeshError("OPTION_INVALID", "withSession takes a mesh and a handler: withSession(mesh, async (event) => …)");
  return async (event, context) => {
    const opened = typeof mesh === "function" ? await mesh() : mesh;
    let began = false;
    const work = (): Answer | Promise<Answer> => ((began = true), handler(event, context));
    if (isSqs(event)) return (await worked(receive(opened, sqsCarrier, event, options), work)).outcome;
    if (!isHttp(event)) return (await carry(opened, stateCarrier, event, work, options)) as Answer;
    try {
      return (await carry(opened, gatewayCarrier, event, work, options)) as Answer;
    } catch (error) {
      if (began || !isTokenError(error)) throw error;
      const body = JSON.stringify({ code: error.code, message: error.message });
      return { statusCode: 400, headers: { "content-type": "application/json" }, body } as Answer;
    }
  };
}

function isSqs(event: unknown): event is Extract<SqsIncoming, { Records: unknown }> {
  const { Records: records } = (event ?? {}) as { readonly Records?: unknown };
  return Array.isArray(records) && (records as readonly { readonly eventSource?: string }[]).every(({ eventSource }) => eventSource === "aws:sqs");
}

function isHttp(event: unknown): event is GatewayEvent {
  return typeof event === "object" && event !== null && "requestContext" in event && ("headers" in event || "multiValueHeaders" in event);
}
