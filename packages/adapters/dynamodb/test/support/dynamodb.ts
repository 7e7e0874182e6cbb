// A DynamoDB for tests: the server that DYNAMODB_ENDPOINT names, or dynalite in this process. dynalite has no transactions and no time to live.

import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import dynalite from "dynalite";

export interface DynamodbServer {
  readonly endpoint: string;
  /** Whether it is in this process, and may be stopped and started again. */
  readonly isOurs: boolean;
  stop(): Promise<void>;
}

/** What a client needs beside the endpoint; a server in the process takes any credentials. */
export const REGION = process.env.AWS_REGION ?? "eu-central-1";
export const CREDENTIALS = { accessKeyId: process.env.AWS_ACCESS_KEY_ID ?? "test", secretAccessKey: process.env.AWS_SECRET_ACCESS_KEY ?? "test" };

export async function startDynamodb(options: { own?: boolean } = {}): Promise<DynamodbServer> {
  const given = process.env.DYNAMODB_ENDPOINT;
  if (given !== undefined && given !== "" && options.own !== true) return { endpoint: given, isOurs: false, stop: async () => undefined };
  const server = dynalite({ createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    isOurs: true,
    stop: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

export function clientOf({ endpoint }: DynamodbServer): DynamoDBClient {
  return new DynamoDBClient({ endpoint, region: REGION, credentials: CREDENTIALS });
}
