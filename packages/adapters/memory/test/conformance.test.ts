// The memory store against the whole Store contract.

import { storeSuite } from "@causalmesh/conformance";
import { describe, it } from "vitest";
import { memoryStore } from "../src/index.js";

const setup = {
  abilities: memoryStore().abilities,
  place: async () => ({ open: async () => memoryStore(), remove: async () => undefined }),
};

describe("memoryStore", () => {
  for (const { name, skipped, run } of storeSuite(setup)) {
    if (skipped === undefined) it(name, run);
    else console.log(`skipped: ${name}: ${skipped}`);
  }
});
