// The shared secret of a mesh: nodes and clients prove it to each other, and tokens are signed with it.

import { encodeUtf8 } from "../bytes/utf8.js";
import { MeshError } from "../errors.js";

const SECRET_BYTES_MIN = 16;

/** Throws OPTION_INVALID for a secret that would be easy to guess. Called where options come in. */
export function checkSecret(secret: unknown): void {
  if (secret === undefined || (typeof secret === "string" && encodeUtf8(secret).length >= SECRET_BYTES_MIN)) return;
  throw new MeshError("OPTION_INVALID", `the secret must be a string of at least ${SECRET_BYTES_MIN} bytes`);
}
