// The DynamoDB store against the whole Store contract.

import { storeSuite } from "@causalmesh/conformance";
import { afterAll, beforeAll, describe, it } from "vitest";
import { dynamodbStore } from "../src/index.js";
import { CREDENTIALS, REGION, startDynamodb, type DynamodbServer } from "./support/dynamodb.js";

let server: DynamodbServer;
let places = 0;
beforeAll(async () => void (server = await startDynamodb()));
afterAll(async () => await server.stop());

const table = `causalmesh-suite-${process.pid}`;
const setup = {
  abilities: { atomicApply: false, durable: true, shared: true, valueBytesMax: 398 * 1024 },
  place: async () => {
    // A prefix each, instead of a table each: making a table takes DynamoDB itself ten seconds.
    const prefix = `place-${places++}`;
    return {
      open: async () => dynamodbStore({ table, region: REGION, endpoint: server.endpoint, connection: { credentials: CREDENTIALS }, prefix, shards: 4 }),
      remove: async () => undefined,
    };
  },
};

describe("dynamodbStore", () => {
  for (const { name, skipped, run } of storeSuite(setup)) {
    if (skipped === undefined) it(name, run);
    else console.log(`skipped: ${name}: ${skipped}`);
  }
});
