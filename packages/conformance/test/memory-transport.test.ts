// The memory transport against the whole Transport contract. It stands here because the core cannot depend on its suites.

import { memoryTransport } from "@causalmesh/core";
import { describe, it } from "vitest";
import { transportSuite } from "../src/index.js";

let names = 0;
const setup = { transport: memoryTransport(), freeAddress: () => `name ${++names}`, invalidAddresses: [""] };

describe("memoryTransport", () => {
  for (const { name, skipped, run } of transportSuite(setup)) {
    if (skipped === undefined) it(name, run);
    else console.log(`skipped: ${name}: ${skipped}`);
  }
});
