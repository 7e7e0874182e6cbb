// dynalite has no declarations of its own.

declare module "dynalite" {
  import type { Server } from "node:http";

  export interface DynaliteOptions {
    /** A LevelDB folder; in memory without one. */
    readonly path?: string;
    readonly createTableMs?: number;
    readonly deleteTableMs?: number;
    readonly updateTableMs?: number;
  }
  export default function dynalite(options?: DynaliteOptions): Server;
}

declare module "dynalite/db/index.js" {
  /** An error where the condition, as `validateExpressions` has parsed it, does not hold of the item. */
  export function checkConditional(data: object, existingItem: object | undefined): Error | null | undefined;
}

declare module "dynalite/validations/index.js" {
  /** Parses the expressions of a request into hidden fields of it; says what is wrong with them. */
  export function validateExpressions(data: object): string | null | undefined;
}
