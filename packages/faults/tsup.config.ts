import { defineConfig } from "tsup";

// A node runs as a program of its own beside the library.
export default defineConfig({ entry: ["src/index.ts", "src/node-main.ts"], format: "esm", target: "node20", dts: false, clean: true, sourcemap: true });
