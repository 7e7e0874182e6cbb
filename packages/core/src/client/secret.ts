// The shared secret of a mesh: nodes and clients prove it to each other, and tokens are signed with it.

import { MeshError } from "../errors.js";

const SECRET_LENGTH_MIN = 16;

/** Throws OPTION_INVALID for a secret that would be easy to guess. Called where options come in. */
export function checkSecret(secret: unknown): void {
  if (secret === undefined || (typeof secret === "string" && secret.length >= SECRET_LENGTH_MIN)) return;
  throw new MeshError("OPTION_INVALID", `the secret must be a string of at least ${SECRET_LENGTH_MIN} characters`);
}
