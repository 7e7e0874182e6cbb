import { defineConfig } from "tsup";

// The guard runs as a program of its own beside the library.
export default defineConfig({ entry: ["src/index.ts", "src/guard.ts"], format: "esm", target: "node20", dts: false, clean: true, sourcemap: true });
