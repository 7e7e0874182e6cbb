import { defineConfig, type Plugin } from "vitest/config";

const ROOTS = [
  "packages/core",
  "packages/conformance",
  "packages/adapters/kit",
  "packages/adapters/memory",
  "packages/adapters/lmdb",
  "packages/adapters/postgres",
  "packages/adapters/redis",
  "packages/adapters/dynamodb",
  "packages/transport/tcp",
  "packages/transport/http",
  "packages/carriers",
  "packages/integrations/hono",
  "packages/integrations/express",
  "packages/integrations/aws-lambda",
  "packages/integrations/keyv",
  "packages/integrations/unstorage",
  "packages/integrations/temporal",
  "packages/testing",
  "packages/integrations/opentelemetry",
  "packages/cli",
  "packages/test-servers",
  "packages/faults",
  "apps/demo",
  "bench",
  "tools",
];

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
