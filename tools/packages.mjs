// The packages that are published, and where they are.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("..", import.meta.url));

export const PUBLISHED = [
  "packages/core",
  "packages/checker",
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
  "packages/monitor",
  "packages/integrations/opentelemetry",
  "packages/cli",
];

export function manifestOf(folder) {
  return JSON.parse(readFileSync(`${ROOT}/${folder}/package.json`, "utf8"));
}
