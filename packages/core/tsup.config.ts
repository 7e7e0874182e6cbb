import { defineConfig } from "tsup";

// @noble/hashes is bundled, so that what users install has no dependencies.
export default defineConfig({
  entry: ["src/index.ts", "src/testing/index.ts"],
  format: "esm",
  target: "es2022",
  platform: "neutral",
  dts: false,
  clean: false,
  sourcemap: true,
  noExternal: [/@noble\/hashes/],
});
