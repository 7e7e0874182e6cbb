// What Postgres, pg and the network say, as the mesh's errors. A SQLSTATE has five characters; the others are Node.js's codes.

import { storeError, textOf, type ErrorRule } from "@causalmesh/adapter-kit";
import { fencedError, MeshError } from "@causalmesh/core";
import { FENCED } from "./sql.js";

const RULES: readonly ErrorRule[] = [
  [/^53100$/, "STORE_FULL", "the server's disk is full; make room, a running node then goes on by itself"],
  [/^53300$/, "STORE_UNAVAILABLE", "the server has no connection left; raise its max_connections, or lower the store's `connections`"],
  [/^57014$/, "STORE_UNAVAILABLE", "the server took longer than it may; look at its load and its locks, or raise `timeoutMs`"],
  [/^25006$/, "STORE_UNAVAILABLE", "the server takes no writes; give the address of the primary"],
  [/^08P01$/, "STORE_UNAVAILABLE", "PgBouncer refuses a setting; name it in ignore_startup_parameters, or give `?statement_timeout=` in the URL"],
  [/^(40001|40P01)$/, "STORE_UNAVAILABLE", "other transactions were in the way each time"],
  [/^28/, "STORE_LOCKED", "the server lets this user not in; check user, password and the server's pg_hba.conf"],
  [/^3D000$/, "STORE_INVALID", "there is no such database; create it, or correct the name"],
  [/^42P07$/, "STORE_INVALID", "a table of that name is there already and is no mesh's; choose another `schema` or `prefix`"],
  [/^(42|3F)/, "STORE_INVALID", "its tables are gone or are no mesh's; restore them, or choose another `schema` or `prefix`"],
  [/^(22|23|XX00[12])/, "STORE_INVALID", "what stands in its tables is damaged; restore the database from a copy"],
];
const OTHERWISE = "check address, network and TLS settings, and that the server runs";

/** `name` is the store's, without secrets; `grants` is what gives the role the rights that it may lack. */
export function postgresError(name: string, cause: unknown, grants: string): MeshError {
  const [code, text] = [codeOf(cause), textOf(cause)];
  const epoch = code === "22P02" ? new RegExp(`${FENCED}(\\d+)`).exec(text)?.[1] : undefined;
  if (epoch !== undefined) return fencedError(name, Number(epoch));
  if (code === "42501") return new MeshError("STORE_LOCKED", `${name}: ${text}; a role that may, runs: ${grants}`, { cause });
  return storeError(name, cause, RULES, OTHERWISE, { subject: code });
}

/** The server ended the transaction in favour of another and took all of it back, so that it can be repeated whatever it was. */
export const lostToOthers = (cause: unknown): boolean => /^(40001|40P01)$/.test(codeOf(cause));

const codeOf = (cause: unknown): string => String((cause as { code?: unknown } | undefined)?.code ?? "");
