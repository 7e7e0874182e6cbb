// The Postgres store against the whole Store contract, on a real server.

import { storeSuite } from "@causalmesh/conformance";
import { afterAll, beforeAll, describe, it } from "vitest";
import { postgresStore } from "../src/index.js";
import { TestDatabase } from "./support/database.js";

let database: TestDatabase;
beforeAll(async () => void (database = await TestDatabase.start()));
afterAll(async () => await database.stop());

let places = 0;
const setup = {
  abilities: { atomicApply: true, durable: true, shared: true, valueBytesMax: 1024 * 1024 },
  place: async () => {
    const schema = `place ${++places}`;
    return {
      open: async () => postgresStore({ url: database.url, schema }),
      remove: async () => void (await database.query(`DROP SCHEMA IF EXISTS "${schema}" CASCADE`)),
    };
  },
};

describe("postgresStore", () => {
  for (const { name, skipped, run } of storeSuite(setup)) {
    if (skipped === undefined) it(name, run);
    else console.log(`skipped: ${name}: ${skipped}`);
  }
});
