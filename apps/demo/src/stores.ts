// Where the two systems keep their data: the same kind of store, each with a place of its own.

import { join } from "node:path";
import { namedStore, openStore, parseStoreUrl, storeUrlText, type StoreUrl } from "causalmesh";
import type { Store } from "@causalmesh/core";

/** A store as its processes are told of it. */
export interface StorePlace {
  /** Goes from process to process by message: it may hold a password. */
  readonly url: string;
  /** To be removed when the run is over; undefined where the data is in a database of the user's. */
  readonly folder: string | undefined;
}

export interface StorePlaces {
  readonly mesh: StorePlace;
  readonly plain: StorePlace;
}

/** Places in `folder`, or under prefixes that no other run has where a database is given. Throws OPTION_INVALID. */
export function storePlaces(folder: string, database: string | undefined): StorePlaces {
  if (database === undefined) return { mesh: inFolder(join(folder, "mesh")), plain: inFolder(join(folder, "plain")) };
  const given = parseStoreUrl(database, process.cwd());
  const run = `demo_${Date.now().toString(36)}_`;
  const place = (name: string): StorePlace => ({ url: storeUrlText(namedStore(given, `${run}${name}`)), folder: undefined });
  return { mesh: place("mesh"), plain: place("plain") };
}

function inFolder(path: string): StorePlace {
  const url: StoreUrl = { kind: "lmdb", path };
  return { url: storeUrlText(url), folder: path };
}

export async function openPlace({ url }: StorePlace): Promise<Store> {
  return await openStore(parseStoreUrl(url, process.cwd()));
}
