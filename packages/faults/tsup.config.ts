import { defineConfig } from "tsup";

// The programs and the thread of a chaos run stand beside the library.
const PROGRAMS = ["client-main", "probe-main", "judge-main"];

export default defineConfig({
  entry: { index: "src/index.ts", ...Object.fromEntries(PROGRAMS.map((name) => [name, `src/chaos/${name}.ts`])) },
  format: "esm",
  target: "node20",
  dts: false,
  clean: true,
  sourcemap: true,
});
