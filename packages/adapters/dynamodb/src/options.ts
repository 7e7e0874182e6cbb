// What users say about their table, checked.

import { DynamoDBClient, type DynamoDBClientConfig } from "@aws-sdk/client-dynamodb";
import { checkPrefix, checkTimeoutMs } from "@causalmesh/adapter-kit";
import { MeshError } from "@causalmesh/core";

export interface DynamodbStoreOptions {
  /** The table's name. */
  readonly table: string;
  /** By default what the SDK finds: AWS_REGION, or the profile's. */
  readonly region?: string;
  /** Another server than AWS, such as `http://localhost:8000`. */
  readonly endpoint?: string;
  /** More of the SDK's options for a client of the store's own: `credentials`, `maxAttempts`, `requestHandler`. */
  readonly connection?: DynamoDBClientConfig;
  /** A client of yours, instead of `region`, `endpoint` and `connection`. It is not destroyed with the store. */
  readonly client?: DynamoDBClient;
  /** Keeps meshes in one table apart: letters, digits, ".", "_" and "-"; by default `causalmesh`. */
  readonly prefix?: string;
  /** Milliseconds for one request, repetitions included, after which the call rejects with STORE_UNAVAILABLE; by default 5 000. */
  readonly timeoutMs?: number;
  /** Whether to make the table, on-demand, where it is missing; by default true. */
  readonly createTable?: boolean;
}

const TIMEOUT_MS_DEFAULT = 5_000;

/** What the options say, checked, and the store's name for messages. Throws OPTION_INVALID. */
export function resolveOptions(options: DynamodbStoreOptions) {
  const { table, prefix = "causalmesh", timeoutMs = TIMEOUT_MS_DEFAULT } = options ?? {};
  if (typeof table !== "string" || !/^[\w.-]{3,255}$/.test(table))
    throw new MeshError("OPTION_INVALID", 'table must be the name of a table: 3 to 255 letters, digits, ".", "_" or "-"');
  const name = `dynamodb table ${table} (${checkPrefix(prefix)})`;
  return { client: clientOf(options), name, table, prefix, timeoutMs: checkTimeoutMs(timeoutMs) };
}

function clientOf({ client, region, endpoint, connection }: DynamodbStoreOptions): DynamoDBClient {
  if (client === undefined) {
    if (endpoint !== undefined && !/^https?:\/\/[^@]+$/.test(endpoint))
      throw new MeshError("OPTION_INVALID", "endpoint must be http(s)://host[:port], without user and password");
    return new DynamoDBClient({ ...connection, ...(region === undefined ? {} : { region }), ...(endpoint === undefined ? {} : { endpoint }) });
  }
  if ((region ?? endpoint ?? connection) !== undefined)
    throw new MeshError("OPTION_INVALID", "client has its region, endpoint and connection already; give either of them");
  if (typeof client.send !== "function") throw new MeshError("OPTION_INVALID", "client must be a DynamoDBClient of @aws-sdk/client-dynamodb");
  return client;
}
