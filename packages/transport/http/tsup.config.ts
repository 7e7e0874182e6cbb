import { defineConfig } from "tsup";

// `index` runs wherever there is fetch; what needs Node.js is in `node` alone.
export default defineConfig({ entry: ["src/index.ts", "src/node.ts"], format: "esm", target: "node20", dts: false, clean: true, sourcemap: true });
