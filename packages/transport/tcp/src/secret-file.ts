// Secrets in a file, one a line: rotated by writing the file anew.

import { limits, MeshError } from "@causalmesh/core";
import { RereadFiles, type RereadListener } from "./reread.js";

/**
 * The secrets in a file, for the option `secret` of clients and nodes: one a line, the first of them to prove and to sign. The file is read again
 * while it is used, at most once a second; where it is wrong, those of before stay and `told` is. Throws OPTION_INVALID where it is wrong now.
 */
export function secretFile(path: string, told?: RereadListener): () => readonly string[] {
  const file = new RereadFiles([path], ([text]) => secretsIn(text, path), told);
  return () => file.current;
}

function secretsIn(text: string, path: string): readonly string[] {
  // Editors and `echo` end a file with a newline that nobody means.
  const secrets = text.split(/\r?\n/).filter((line) => line !== "");
  if (secrets.length === 0 || secrets.length > limits.SECRETS_MAX)
    throw new MeshError("OPTION_INVALID", `the file ${path} has ${secrets.length} secrets; write 1 to ${limits.SECRETS_MAX}, one a line`);
  const bytes = Math.min(...secrets.map((secret) => Buffer.byteLength(secret)));
  if (bytes >= limits.SECRET_BYTES_MIN) return secrets;
  const advice = `a secret needs at least ${limits.SECRET_BYTES_MIN}, such as from: openssl rand -hex 32`;
  throw new MeshError("OPTION_INVALID", `the file ${path} has a secret of ${bytes} bytes; ${advice}`);
}
