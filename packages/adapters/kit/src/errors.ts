// What a database, its client and the network say, as the mesh's errors.

import { MeshError, type MeshErrorCode } from "@causalmesh/core";

/** What to make of an error: its pattern stands in the error's text, or the adapter knows it by a code. */
export type ErrorRule = readonly [pattern: RegExp, code: MeshErrorCode, advice: string];

export interface ErrorText {
  /** What the patterns are looked for in, where that is not the message: a code. */
  readonly subject?: string;
  /** What is said about the error, where that is not its message. */
  readonly text?: string;
}

/**
 * The error of a store as the mesh's: by the first rule that fits, and where none does, STORE_UNAVAILABLE with the advice `otherwise`.
 * A MeshError stays what it is. `name` is the store's.
 */
export function storeError(name: string, cause: unknown, rules: readonly ErrorRule[], otherwise: string, given: ErrorText = {}): MeshError {
  if (cause instanceof MeshError) return cause;
  const { text = textOf(cause), subject = text } = given;
  const rule = rules.find(([pattern]) => pattern.test(subject));
  if (rule === undefined) return new MeshError("STORE_UNAVAILABLE", `${name} failed: ${text}; ${otherwise}`, { cause });
  const [, code, advice] = rule;
  return new MeshError(code, `${name}: ${advice} (${text})`, { cause });
}

/** The message. Of a host with several addresses, all of which failed, those of the reasons: the message of that error is empty. */
export function textOf(cause: unknown): string {
  if (cause instanceof AggregateError && cause.message === "") return cause.errors.map(textOf).join(", ");
  return cause instanceof Error ? cause.message : String(cause);
}

/** Why a row cannot be given: what is stored is none. */
export function damagedRow(key: string): MeshError {
  return new MeshError("STORE_INVALID", `the row of ${JSON.stringify(key)} is damaged, or not of CausalMesh; restore the store from a copy`);
}

/** Why a store cannot be used: another version made it. */
export function otherFormat(name: string, found: string | number | undefined, expected: string | number): MeshError {
  return new MeshError("STORE_INVALID", `${name} has format ${found}, this version reads format ${expected}; use the version of CausalMesh that wrote it`);
}
