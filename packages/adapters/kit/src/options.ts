// Options that stores have in common. All of these throw OPTION_INVALID.

import { MeshError } from "@causalmesh/core";

/** A longer timer of Node.js would end at once. */
const TIMEOUT_MS_MAX = 2 ** 31 - 1;

/** A whole number from 1 to `max`; `unit` is said behind it. */
export function checkWhole(name: string, value: unknown, max: number, unit = ""): number {
  if (Number.isInteger(value) && (value as number) >= 1 && (value as number) <= max) return value as number;
  throw new MeshError("OPTION_INVALID", `${name} must be a whole number${unit} from 1 to ${max}`);
}

/** Milliseconds for one call. */
export function checkTimeoutMs(timeoutMs: unknown, name = "timeoutMs"): number {
  return checkWhole(name, timeoutMs, TIMEOUT_MS_MAX, " of milliseconds");
}

/** What keeps meshes in one database apart. Without ":", "#" and "/", so that an adapter can put one behind it, and no name of one prefix is one of another. */
export function checkPrefix(prefix: unknown): string {
  if (typeof prefix === "string" && /^[\w.-]{1,100}$/.test(prefix)) return prefix;
  throw new MeshError("OPTION_INVALID", 'prefix must have 1 to 100 letters, digits, ".", "_" or "-", such as "shop"; it keeps meshes in one database apart');
}
