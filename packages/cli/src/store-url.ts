// Store URLs: which database stands behind the mesh. Parsing is strict and early, so that a typing error is a usage error
// and not a new folder. This is the only file that imports adapters, each when it is asked for.

import { isAbsolute, resolve } from "node:path";
import { MeshError, type Store } from "@causalmesh/core";

const SUPPORTED = "supported are memory: (gone when the process ends) and lmdb:./folder (kept on this machine)";

export type StoreUrl = { readonly kind: "memory" } | { readonly kind: "lmdb"; readonly path: string };

/** Parses a store URL. A relative path begins at `folder`. The message never repeats the URL's rest: it may hold a password. */
export function parseStoreUrl(text: string, folder: string): StoreUrl {
  const match = /^([A-Za-z][A-Za-z0-9+.-]*):(.*)$/s.exec(text);
  if (match === null) {
    const hint = text === "" || text.includes("@") ? "" : `; did you mean lmdb:${text}?`;
    throw new MeshError("OPTION_INVALID", `the store URL has no scheme; ${SUPPORTED}${hint}`);
  }
  const scheme = match[1].toLowerCase();
  const rest = match[2].replace(/^\/\//, "");
  if (scheme === "memory") return parseMemory(rest);
  if (scheme === "lmdb") return parseLmdb(rest, folder);
  throw new MeshError("OPTION_INVALID", `no store has the scheme ${scheme}: in this version; ${SUPPORTED}`);
}

function parseMemory(rest: string): StoreUrl {
  if (rest !== "") throw new MeshError("OPTION_INVALID", `memory: takes nothing after the colon, not ${JSON.stringify(rest)}`);
  return { kind: "memory" };
}

function parseLmdb(rest: string, folder: string): StoreUrl {
  if (rest === "" || rest.includes("\0")) throw new MeshError("OPTION_INVALID", "lmdb: needs a folder, such as lmdb:./data");
  return { kind: "lmdb", path: isAbsolute(rest) ? rest : resolve(folder, rest) };
}

export function formatStoreUrl(url: StoreUrl): string {
  return url.kind === "memory" ? "memory:" : `lmdb:${url.path}`;
}

export async function openStore(url: StoreUrl): Promise<Store> {
  if (url.kind === "memory") return (await import("@causalmesh/adapter-memory")).memoryStore();
  return (await import("@causalmesh/adapter-lmdb")).lmdbStore({ path: url.path });
}
