// What Postgres, pg and the network say, as the mesh's errors. A SQLSTATE has five characters; the others are Node.js's codes.

import { MeshError, type MeshErrorCode } from "@causalmesh/core";
import { FENCED } from "./sql.js";

const CAUSES: readonly (readonly [code: RegExp, meshCode: MeshErrorCode, advice: string])[] = [
  [/^53100$/, "STORE_FULL", "the server's disk is full; make room, a running node then goes on by itself"],
  [/^53300$/, "STORE_UNAVAILABLE", "the server has no connection left; raise its max_connections, or lower the store's `connections`"],
  [/^57014$/, "STORE_UNAVAILABLE", "the server took longer than it may; look at its load and its locks, or raise `timeoutMs`"],
  [/^25006$/, "STORE_UNAVAILABLE", "the server takes no writes; give the address of the primary"],
  [
    /^08P01$/,
    "STORE_UNAVAILABLE",
    "a PgBouncer before the server refuses a setting; name it in its ignore_startup_parameters, or leave statement_timeout out, with `?statement_timeout=` in the URL",
  ],
  [/^(40001|40P01)$/, "STORE_UNAVAILABLE", "other transactions were in the way each time"],
  [/^28/, "STORE_LOCKED", "the server lets this user not in; check user, password and the server's pg_hba.conf"],
  [/^3D000$/, "STORE_INVALID", "there is no such database; create it, or correct the name"],
  [/^42P07$/, "STORE_INVALID", "a table of that name is there already and is no mesh's; choose another `schema` or `prefix`"],
  [/^(42|3F)/, "STORE_INVALID", "its tables are gone or are no mesh's; restore them, or choose another `schema` or `prefix`"],
  [/^(22|23|XX00[12])/, "STORE_INVALID", "what stands in its tables is damaged; restore the database from a copy"],
];

const UNREACHABLE = "check address, network and TLS settings, and that the server runs";

/** `name` is the store's, without secrets; `grants` is what gives the role the rights that it may lack. */
export function storeError(name: string, cause: unknown, grants: string): MeshError {
  if (cause instanceof MeshError) return cause;
  const code = codeOf(cause);
  if (code === "42501") return new MeshError("STORE_LOCKED", `${name}: ${textOf(cause)}; a role that may, runs: ${grants}`, { cause });
  for (const [pattern, meshCode, advice] of CAUSES) {
    if (pattern.test(code)) return new MeshError(meshCode, `${name}: ${advice} (${textOf(cause)})`, { cause });
  }
  return new MeshError("STORE_UNAVAILABLE", `${name} failed: ${textOf(cause)}; ${UNREACHABLE}`, { cause });
}

/** The epoch that stands in the way of a batch, if that is what the error says. */
export function fencedBy(cause: unknown): number | undefined {
  const found = codeOf(cause) === "22P02" ? new RegExp(`${FENCED}(\\d+)`).exec(textOf(cause)) : null;
  return found === null ? undefined : Number(found[1]);
}

/** The server ended the transaction in favour of another and took all of it back, so that it can be repeated whatever it was. */
export function lostToOthers(cause: unknown): boolean {
  return /^(40001|40P01)$/.test(codeOf(cause));
}

function codeOf(cause: unknown): string {
  return String((cause as { code?: unknown } | undefined)?.code ?? "");
}

/** A host with several addresses fails with an AggregateError, whose own message is empty. */
function textOf(cause: unknown): string {
  if (cause instanceof AggregateError && cause.message === "") return cause.errors.map(textOf).join(", ");
  return cause instanceof Error ? cause.message : String(cause);
}
