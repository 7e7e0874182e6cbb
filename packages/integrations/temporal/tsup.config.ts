import { defineConfig } from "tsup";

// `workflow` runs in the sandbox of workflows, where there is neither a mesh nor Node.js.
export default defineConfig({ entry: ["src/index.ts", "src/workflow.ts"], format: "esm", target: "node20", dts: false, clean: true, sourcemap: true });
