import { defineConfig } from "tsup";

// Commands are imported when they run, so that `kv get` loads neither LMDB nor the log and the admin page: keep `splitting`.
export default defineConfig({
  entry: ["src/index.ts", "src/main.ts"],
  format: "esm",
  target: "node20",
  splitting: true,
  dts: false,
  clean: true,
  sourcemap: true,
});
