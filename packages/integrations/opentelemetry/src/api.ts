// OpenTelemetry's API package, where the program has it. Without it nothing is traced, and nothing fails.

import { createRequire } from "node:module";
import type * as Api from "@opentelemetry/api";

/** undefined where the package is not installed. The API keeps its state globally, so that any copy of it reaches the program's SDK. */
export const api: typeof Api | undefined = find();

function find(): typeof Api | undefined {
  try {
    return createRequire(import.meta.url)("@opentelemetry/api") as typeof Api;
  } catch {
    return undefined;
  }
}
