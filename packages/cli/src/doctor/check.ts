// One question that an operator would ask, and its answer.

import type { MeshErrorCode } from "@causalmesh/core";
import { describeError } from "../printer.js";

export interface Check {
  /** What was looked at, such as `store` or `node 10.0.0.7:7400`. */
  readonly check: string;
  /** `skipped`: another check that failed stands in its way, or there is nothing to look at. */
  readonly status: "ok" | "failed" | "skipped";
  readonly detail: string;
  /** What to do, where it failed. */
  readonly advice?: string;
  /** The mesh's code of the failure, where it has one. */
  readonly code?: MeshErrorCode;
}

export function ok(check: string, detail: string): Check {
  return { check, status: "ok", detail };
}

export function failed(check: string, detail: string, advice: string): Check {
  return { check, status: "failed", detail, advice };
}

export function skipped(check: string, detail: string): Check {
  return { check, status: "skipped", detail };
}

/** The messages of the mesh's errors say what happened, then what to do, with a semicolon between. */
export function failedWith(check: string, error: unknown): Check {
  const { code, message } = describeError(error);
  const at = message.indexOf("; ");
  const detail = at < 0 ? message : message.slice(0, at);
  const advice = at < 0 ? undefined : message.slice(at + 2);
  return { check, status: "failed", detail, ...(advice === undefined ? {} : { advice }), ...(code === "INTERNAL" ? {} : { code: code as MeshErrorCode }) };
}
