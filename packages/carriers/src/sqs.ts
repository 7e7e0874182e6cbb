// SQS: the session is an attribute of the message, beside its body.

import { SESSION_HEADER, tokensInHeader } from "@causalmesh/core";
import type { SessionCarrier } from "./carrier.js";

/** A message as `SendMessage` takes it, or an entry of `SendMessageBatch`. */
export interface SqsOutgoing {
  readonly MessageAttributes?: Readonly<Record<string, { readonly DataType: string | undefined; readonly StringValue?: string }>>;
}

/** A message as `ReceiveMessage` returns it, where the attributes are asked for. */
export interface SqsReceived {
  readonly MessageAttributes?: Readonly<Record<string, { readonly StringValue?: string }>>;
}

/** A message as Lambda hands it over. */
export interface SqsRecord {
  readonly messageAttributes: Readonly<Record<string, { readonly stringValue?: string }>>;
}

/** One message, or the batch that a Lambda function gets, whose sessions are joined. */
export type SqsIncoming = SqsReceived | SqsRecord | { readonly Records: readonly SqsRecord[] };

/**
 * Carries sessions in SQS messages. `ReceiveMessage` returns the attribute only where it is asked for it (`MessageAttributeNames: ["causalmesh-session"]`);
 * of the ten attributes that a message may have, this takes one. A message goes one way, so what its receivers have done does not come back.
 */
export const sqsCarrier: SessionCarrier<SqsIncoming, SqsOutgoing> = {
  place: `the message attribute ${SESSION_HEADER}`,
  extract: tokensIn,
  inject: (message, token) => ({
    ...message,
    MessageAttributes: { ...message.MessageAttributes, [SESSION_HEADER]: { DataType: "String", StringValue: token } },
  }),
};

function tokensIn(message: SqsIncoming): string[] {
  if ("Records" in message) return [...new Set(message.Records.flatMap((record) => tokensIn(record)))];
  if ("messageAttributes" in message) return tokensInHeader(message.messageAttributes[SESSION_HEADER]?.stringValue);
  return tokensInHeader(message.MessageAttributes?.[SESSION_HEADER]?.StringValue);
}
