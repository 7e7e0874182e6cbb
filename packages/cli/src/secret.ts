// The shared secret: from a flag, the environment or the configuration file, as text or in a file.

import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { MeshError } from "@causalmesh/core";

/** The least that is not guessed by trying. */
const SECRET_BYTES_MIN = 16;

/** One place that may name a secret. */
export interface SecretSource {
  readonly secret: string | undefined;
  readonly file: string | undefined;
  /** What the two are called there, for messages. */
  readonly names: readonly [secret: string, file: string];
  readonly folder: string;
}

/** The secret of the first source that names one. */
export function resolveSecret(sources: readonly SecretSource[]): string | undefined {
  for (const source of sources) {
    const { secret, file, names } = source;
    if (secret !== undefined && file !== undefined) throw new MeshError("OPTION_INVALID", `${names[0]} and ${names[1]} are both set; keep one`);
    if (secret !== undefined) return checkSecret(secret, names[0]);
    if (file !== undefined) return checkSecret(readSecret(resolve(source.folder, file), names[1]), `the file of ${names[1]}`);
  }
  return undefined;
}

function readSecret(path: string, name: string): string {
  try {
    // Editors and `echo` end a file with a newline that nobody means.
    return readFileSync(path, "utf8").replace(/\r?\n$/, "");
  } catch (error) {
    throw new MeshError("OPTION_INVALID", `${name} ${path} cannot be read: ${(error as Error).message}`, { cause: error });
  }
}

function checkSecret(secret: string, where: string): string {
  const bytes = Buffer.byteLength(secret);
  if (bytes >= SECRET_BYTES_MIN) return secret;
  throw new MeshError("OPTION_INVALID", `${where} has ${bytes} bytes; a secret needs at least ${SECRET_BYTES_MIN}, such as from: openssl rand -hex 32`);
}
