// The suite for stores: every sentence of the Store contract (core's store.ts) as a case.

import type { ConformanceCase } from "./case.js";
import { freshSeed } from "./seeded-random.js";
import { KEY_CLAIMS } from "./store-keys.js";
import { LIFETIME_CLAIMS } from "./store-lifetime.js";
import { MESH_CLAIMS } from "./store-mesh.js";
import { MODEL_CLAIMS } from "./store-model.js";
import { REGISTRY_CLAIMS } from "./store-registry.js";
import { ROW_CLAIMS } from "./store-rows.js";
import { SCAN_CLAIMS } from "./store-scan.js";
import { storeCase, type StoreSuiteSetup } from "./store-setup.js";

/**
 * The cases that a store must pass, for any test runner: run each that has no `skipped`, print the others with their reason.
 * They are independent of each other. Random cases name their seed when they fail; give it back as `setup.seed`.
 */
export function storeSuite(setup: StoreSuiteSetup): ConformanceCase[] {
  const seed = setup.seed ?? freshSeed();
  const claims = [...ROW_CLAIMS, ...KEY_CLAIMS, ...SCAN_CLAIMS, ...REGISTRY_CLAIMS, ...LIFETIME_CLAIMS, ...MODEL_CLAIMS, ...MESH_CLAIMS];
  return claims.map((claim) => storeCase(claim, setup, seed));
}
