import { defineConfig, type Plugin } from "vitest/config";
import { PUBLISHED } from "./tools/packages.mjs";

const ROOTS: readonly string[] = [...PUBLISHED, "packages/test-servers", "packages/faults", "apps/demo", "bench", "tools"];

// Lua files are text, as in the built packages.
const luaAsText: Plugin = {
  name: "lua-as-text",
  transform: (code, id) => (id.endsWith(".lua") ? `export default ${JSON.stringify(code)}` : undefined),
};

// One project per package, so that a failure names its package. Two files at a time: many tests start processes of their own.
export default defineConfig({
  test: {
    projects: ROOTS.map((root) => ({
      plugins: [luaAsText],
      test: { name: root, root, include: ["test/**/*.test.ts"], testTimeout: 60_000, hookTimeout: 60_000 },
    })),
    maxWorkers: 2,
    passWithNoTests: true,
  },
});
