// The DynamoDB store against the whole Store contract, with transactions and without. dynalite has none: with them, an emulation of TransactWriteItems stands
// before it (test-servers/src/transactions.ts), whose conditions are dynalite's own. What DynamoDB itself does says DYNAMODB_ENDPOINT, with the first of the two.

import { storeSuite } from "@causalmesh/conformance";
import { startDynamodb, type DynamodbServer } from "@causalmesh/test-servers";
import { afterAll, beforeAll, describe, it } from "vitest";
import { dynamodbStore } from "../src/index.js";

const table = `causalmesh-suite-${process.pid}`;

describe.each([
  ["as the server is", false],
  ["with transactions", true],
])("dynamodbStore, %s", (_, transactions) => {
  let server: DynamodbServer;
  let places = 0;
  beforeAll(async () => void (server = await startDynamodb({ transactions })));
  afterAll(async () => await server.stop());

  const setup = {
    abilities: { atomicApply: false, durable: true, shared: true, valueBytesMax: 398 * 1024 },
    place: async () => {
      // A prefix each, instead of a table each: making a table takes DynamoDB itself ten seconds.
      const prefix = `place-${places++}`;
      const { endpoint, region, credentials } = server;
      return { open: async () => dynamodbStore({ table, region, endpoint, connection: { credentials }, prefix }), remove: async () => undefined };
    },
  };
  for (const { name, skipped, run } of storeSuite(setup)) {
    if (skipped === undefined) it(name, run);
    else console.log(`skipped: ${name}: ${skipped}`);
  }
});
