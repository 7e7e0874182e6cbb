// The LMDB store against the whole Store contract.

import { rm } from "node:fs/promises";
import { storeSuite } from "@causalmesh/conformance";
import { describe, it } from "vitest";
import { lmdbStore } from "../src/index.js";
import { freshFolder } from "./support/folder.js";

const setup = {
  abilities: { atomicApply: true, durable: true, shared: true, valueBytesMax: 1024 * 1024 },
  place: async () => {
    const path = freshFolder();
    return { open: async () => lmdbStore({ path }), remove: async () => await rm(path, { recursive: true }) };
  },
};

describe("lmdbStore", () => {
  for (const { name, skipped, run } of storeSuite(setup)) {
    if (skipped === undefined) it(name, run);
    else console.log(`skipped: ${name}: ${skipped}`);
  }
});
