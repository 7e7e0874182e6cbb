// What DynamoDB, its SDK and the network say, as the mesh's errors.

import { MeshError, type MeshErrorCode } from "@causalmesh/core";

const CAUSES: readonly (readonly [pattern: RegExp, code: MeshErrorCode, advice: string])[] = [
  [
    /^(ProvisionedThroughputExceeded|Throttling|RequestLimitExceeded|LimitExceeded)/,
    "STORE_UNAVAILABLE",
    "the table is asked for more than it may give; give it more capacity, or on-demand billing",
  ],
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
export function storeError(name: string, cause: unknown): MeshError {
  if (cause instanceof MeshError) return cause;
  const text = textOf(cause);
  const [, code, advice] = CAUSES.find(([pattern]) => pattern.test(text)) ?? [undefined, "STORE_UNAVAILABLE" as const, "check the address and the network"];
  return new MeshError(code, `${name}: ${advice} (${text})`, { cause });
}

/** Whether the condition of a write did not hold: what stands there wins. */
export function isConditionFailed(error: unknown): boolean {
  return nameOf(error) === "ConditionalCheckFailedException";
}

export function nameOf(error: unknown): string | undefined {
  return error instanceof Error ? error.name : undefined;
}

/** Node's error for several refused addresses has an empty message and the reasons inside. */
function textOf(cause: unknown): string {
  if (cause instanceof AggregateError && cause.message === "") return cause.errors.map((error) => textOf(error)).join(", ");
  if (!(cause instanceof Error)) return String(cause);
  return cause.name === "Error" ? cause.message : `${cause.name}: ${cause.message}`;
}
