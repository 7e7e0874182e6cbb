// Sessions of an embedded mesh against the whole Mesh contract.

import { createMesh } from "@causalmesh/core";
import { sessionSuite } from "@causalmesh/conformance";
import { describe, it } from "vitest";
import { memoryStore } from "../src/index.js";

describe.each([1, 3])("an embedded mesh of %i nodes", (nodes) => {
  const suite = sessionSuite({ open: () => createMesh({ nodes, store: memoryStore(), secret: "the secret of this test's mesh" }) });
  for (const { name, run } of suite) it(name, run);
});
