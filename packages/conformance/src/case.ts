// What a suite yields: named cases that any test runner can take. This file owns the form and the few assertions that the
// cases need; the claims themselves are in store-*.ts, transport-*.ts and session-*.ts.

/** One claim of a contract, as a test without a runner. */
export interface ConformanceCase {
  readonly name: string;
  /** Why the case does not apply, from what the implementation says it can do. Report it and do not call `run`. */
  readonly skipped?: string;
  /** Rejects with an Error that says what was promised and what happened instead. */
  run(): Promise<void>;
}

/** Throws unless `holds`. */
export function assert(holds: boolean, claim: string): asserts holds {
  if (!holds) throw new Error(claim);
}

/** Throws unless both are alike: primitives by Object.is, arrays, plain objects and bytes by what they hold. */
export function assertEqual(actual: unknown, expected: unknown, claim: string): void {
  if (!alike(actual, expected)) throw new Error(`${claim}\n  expected ${show(expected)}\n  actual   ${show(actual)}`);
}

/** Throws unless `call` rejects with a MeshError of one of these codes and with a message. Returns the error. */
export async function assertRejects(call: Promise<unknown>, codes: readonly string[], claim: string): Promise<Error & { code: string }> {
  let outcome: unknown;
  try {
    outcome = await call;
  } catch (error) {
    // By name and code instead of instanceof: the implementation may have brought its own copy of the core.
    const known = error instanceof Error && error.name === "MeshError" && "code" in error && codes.includes(String(error.code));
    if (known && error.message !== "") return error as Error & { code: string };
    throw new Error(`${claim}: expected a MeshError ${codes.join(" or ")}, got ${String(error)}`, { cause: error });
  }
  throw new Error(`${claim}: expected a MeshError ${codes.join(" or ")}, but it resolved with ${show(outcome)}`);
}

function alike(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (a instanceof Uint8Array || b instanceof Uint8Array) return a instanceof Uint8Array && b instanceof Uint8Array && sameBytes(a, b);
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const names = Object.keys(a);
  if (names.length !== Object.keys(b).length) return false;
  return names.every((name) => name in b && alike((a as Record<string, unknown>)[name], (b as Record<string, unknown>)[name]));
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index++) {
    if (a[index] !== b[index]) return false;
  }
  return true;
}

/** Short enough for a message, whatever the value. */
export function show(value: unknown): string {
  const text = JSON.stringify(value, (_, part: unknown) => {
    if (part === undefined) return "(undefined)";
    if (part instanceof Uint8Array) return `${part.length} bytes ${[...part.subarray(0, 16)].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
    return typeof part === "bigint" ? `${part}n` : part;
  });
  return text.length > 600 ? `${text.slice(0, 600)}…` : text;
}
