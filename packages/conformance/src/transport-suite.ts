// The suite for transports: every sentence of the Transport contract (core's transport.ts) as a case.

import type { ConformanceCase } from "./case.js";
import { freshSeed } from "./seeded-random.js";
import { ADDRESS_CLAIMS } from "./transport-addresses.js";
import { BYTE_CLAIMS } from "./transport-bytes.js";
import { END_CLAIMS } from "./transport-ends.js";
import { transportCase, type TransportSuiteSetup } from "./transport-setup.js";

/**
 * The cases that a transport must pass, for any test runner: run each that has no `skipped`, print the others with their
 * reason. They are independent of each other. Random cases name their seed when they fail; give it back as `setup.seed`.
 */
export function transportSuite(setup: TransportSuiteSetup): ConformanceCase[] {
  const seed = setup.seed ?? freshSeed();
  return [...BYTE_CLAIMS, ...END_CLAIMS, ...ADDRESS_CLAIMS].map((claim) => transportCase(claim, setup, seed));
}
