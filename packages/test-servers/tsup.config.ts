import { defineConfig } from "tsup";

export default defineConfig({
  // The guard runs as a program of its own beside the library.
  entry: ["src/index.ts", "src/guard.ts"],
  format: "esm",
  target: "node20",
  // vitest looks for "timers/promises" without its prefix beside the test.
  removeNodeProtocol: false,
  dts: false,
  clean: true,
  sourcemap: true,
});
