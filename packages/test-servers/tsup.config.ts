import { defineConfig } from "tsup";

export default defineConfig({
  // The guard and dynalite run as programs of their own beside the library.
  entry: ["src/index.ts", "src/guard.ts", "src/dynamodb-main.ts"],
  format: "esm",
  target: "node20",
  // vitest looks for "timers/promises" without its prefix beside the test.
  removeNodeProtocol: false,
  dts: false,
  clean: true,
  sourcemap: true,
});
