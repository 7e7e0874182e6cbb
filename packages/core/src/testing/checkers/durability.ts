// Durability: an acknowledged write survives what its level says (design section 8). What was acknowledged at level `memory` may die with its node;
// its session has it, and makes it again.

import type { History } from "../history.js";
import type { Violation } from "./violation.js";

export function checkDurability(history: History): Violation[] {
  return history.lost.flatMap((write) => {
    const { durability, id, operation } = write;
    if (durability === undefined || !history.survivors.includes(durability)) return [];
    return [{ rule: "durability", message: `write ${id} was acknowledged at level ${durability} and is lost`, operations: [operation] }];
  });
}
