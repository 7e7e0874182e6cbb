import { defineConfig } from "tsup";

// Each process of a bench is an entry of its own, beside the program that starts them.
export default defineConfig({
  entry: ["src/main.ts", "src/evaluation/main.ts", "src/processes/*.ts"],
  outDir: "dist",
  format: "esm",
  target: "node20",
  splitting: true,
  dts: false,
  clean: true,
  sourcemap: true,
});
