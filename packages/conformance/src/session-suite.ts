// The suite for whatever gives its users a Mesh: every sentence of the interface (core's mesh.ts) that a single client can see, as a case.
// An embedded mesh, one over TCP and one over HTTP pass the same.

import type { Mesh } from "@causalmesh/core";
import type { ConformanceCase } from "./case.js";
import { AMBIENT_CLAIMS } from "./session-ambient.js";
import { MERGING_CLAIMS } from "./session-merging.js";
import { ROAMING_CLAIMS } from "./session-roaming.js";
import { TRANSACTION_CLAIMS } from "./session-transactions.js";
import { VALUE_CLAIMS } from "./session-values.js";

export interface SessionSuiteSetup {
  /** A client of a running mesh, of its own for each case. The cases use keys of their own, so the mesh may be the same for all. */
  open(): Promise<Mesh>;
}

/** One sentence of the contract. `key` makes a name that no other case uses. */
export interface SessionClaim {
  readonly name: string;
  check(mesh: Mesh, key: (name: string) => string): Promise<void>;
}

let cases = 0;

/** The cases that a mesh's sessions must pass, for any test runner. They are independent of each other. */
export function sessionSuite({ open }: SessionSuiteSetup): ConformanceCase[] {
  return [...VALUE_CLAIMS, ...ROAMING_CLAIMS, ...AMBIENT_CLAIMS, ...TRANSACTION_CLAIMS, ...MERGING_CLAIMS].map(({ name, check }) => ({
    name,
    run: async () => {
      const prefix = `case ${++cases} of ${Date.now()}`;
      const mesh = await open();
      try {
        await check(mesh, (key) => `${prefix}/${key}`);
      } finally {
        await mesh.close();
      }
    },
  }));
}
