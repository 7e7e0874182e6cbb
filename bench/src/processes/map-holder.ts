// A Map of the keys and values that the memory bench puts into a node, as a program holds them that got them from somewhere: flat strings.

import { residentBytes, type Resident } from "../resident.js";
import { serve } from "../serve.js";
import { jsonTextAt, keyAt } from "../workload.js";

const map = new Map<string, string>();

/** A string that is no rope and shares its bytes with no other. */
function flat(text: string): string {
  return Buffer.from(text, "latin1").toString("latin1");
}

const commands = {
  fill: (entries: number): void => {
    for (let index = 0; index < entries; index++) map.set(flat(keyAt(index)), flat(jsonTextAt(index)));
  },
  resident: (): Promise<Resident> => residentBytes(),
};
export type MapProgram = typeof commands;
serve(commands);
