// Levels of durability as users name them, and as they are numbered on the wire.

import { inputText, MeshError } from "../errors.js";
import type { Durability } from "../mesh.js";
import { DURABILITIES } from "../wire/messages.js";

/** Throws OPTION_INVALID for what is none. Called where options come in. */
export function durabilityLevel(durability: Durability): number {
  const level = DURABILITIES.indexOf(durability);
  if (level < 0) throw new MeshError("OPTION_INVALID", `durability ${inputText(durability)} is none of ${DURABILITIES.join(", ")}`);
  return level;
}
