// A Map of the keys and values that the memory bench puts into a node, as a program holds them that got them from somewhere.

import { residentBytes, type Resident } from "../resident.js";
import { argument, serve } from "../serve.js";
import { jsonTextAt, keyAt } from "../workload.js";

/** Values as bytes, as a node and its store have them, or as flat strings of one byte per character, the least that a Map can hold. */
export type MapValues = "bytes" | "strings";

const { values } = argument<{ values: MapValues }>();
const map = new Map<string, Uint8Array | string>();

/** A string that is no rope and shares its bytes with no other. */
function flat(text: string): string {
  return Buffer.from(text, "latin1").toString("latin1");
}

function valueAt(index: number): Uint8Array | string {
  if (values === "strings") return flat(jsonTextAt(index));
  return new Uint8Array(Buffer.from(JSON.stringify(jsonTextAt(index))));
}

const commands = {
  /** Sets keys 0 to `entries` - 1. */
  fill: (entries: number): void => {
    for (let index = 0; index < entries; index++) map.set(flat(keyAt(index)), valueAt(index));
  },
  resident: (): Promise<Resident> => residentBytes(),
};
export type MapProgram = typeof commands;
serve(commands);
