import { defineConfig } from "tsup";

// One entry per kind of process.
export default defineConfig({
  entry: ["src/main.ts", "src/processes/mesh-node.ts", "src/processes/plain-node.ts", "src/processes/function-host.ts"],
  format: "esm",
  target: "node20",
  dts: false,
  clean: true,
  sourcemap: true,
});
