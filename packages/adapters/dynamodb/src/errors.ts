// What DynamoDB, its SDK and the network say, as the mesh's errors.

import { storeError, textOf, type ErrorRule } from "@causalmesh/adapter-kit";
import type { MeshError } from "@causalmesh/core";

const RULES: readonly ErrorRule[] = [
  [
    // Also as the reason for which a transaction was cancelled.
    /\b(ProvisionedThroughputExceeded|Throttling|RequestLimitExceeded|LimitExceeded)/,
    "STORE_UNAVAILABLE",
    "the table is asked for more than it may give; give it more capacity, or on-demand billing",
  ],
  [/^Unread/, "STORE_UNAVAILABLE", "the table left keys unread each time; give it more capacity"],
  [/Waiter has timed out|"TIMEOUT"/, "STORE_UNAVAILABLE", "the table was not made within a minute; look at it in the console"],
  [
    /^(AccessDenied|UnrecognizedClient|InvalidSignature|ExpiredToken|MissingAuthenticationToken|IncompleteSignature|InvalidClientTokenId|NotAuthorized)/,
    "STORE_LOCKED",
    "these credentials may not do that; see the rights in the README of @causalmesh/adapter-dynamodb",
  ],
  [/^(CredentialsProviderError|TokenProviderError)/, "STORE_LOCKED", "there are no credentials; give AWS_ACCESS_KEY_ID, a profile or a role"],
  [/Region is missing/, "OPTION_INVALID", "region is missing; give it, or set AWS_REGION"],
  [/^ResourceNotFound/, "STORE_INVALID", "the table is not there; make it, or let the store make it (createTable)"],
  [/^(Validation|Serialization|ItemCollectionSizeLimitExceeded)/, "STORE_INVALID", "the table or a row is not of the form that this version writes"],
];

/** `name` is the store's. An SDK's error shows no credentials. */
export function dynamodbError(name: string, cause: unknown): MeshError {
  return storeError(name, cause, RULES, "check the address and the network", { text: namedText(cause) });
}

/** Empty for what is no error. */
export const nameOf = (error: unknown): string => (error instanceof Error ? error.name : "");

/** `otherwise` where it fails with one of these. */
export async function unless<Answer, Otherwise = undefined>(names: RegExp, call: Promise<Answer>, otherwise?: Otherwise): Promise<Answer | Otherwise> {
  return await call.catch((error: unknown) => (names.test(nameOf(error)) ? (otherwise as Otherwise) : Promise.reject(error)));
}

/** Whether the same may succeed in a moment: others write the same items, or a transaction was throttled, which the SDK does not repeat. */
export const isContended = (error: unknown): boolean =>
  /^Transaction(Conflict|InProgress)|^TransactionCanceled.*(TransactionConflict|Throttling|ThroughputExceeded)/s.test(namedText(error));

function namedText(cause: unknown): string {
  const name = nameOf(cause);
  return name === "" || name.endsWith("Error") ? textOf(cause) : `${name}: ${textOf(cause)}`;
}
