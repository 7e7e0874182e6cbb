// The shared secret: from a flag, the environment or the configuration file, as text or in a file, which may hold several and is read again.

import { resolve } from "node:path";
import { limits, MeshError, type SecretSource } from "@causalmesh/core";
import { secretFile } from "@causalmesh/transport-tcp";

/** One place that may name a secret. */
export interface SecretPlace {
  readonly secret: string | undefined;
  readonly file: string | undefined;
  /** What the two are called there, for messages. */
  readonly names: readonly [secret: string, file: string];
  readonly folder: string;
}

export interface SecretSetting {
  readonly secret: SecretSource | undefined;
  /** The file that it is read from, as an absolute path. */
  readonly secretFile: string | undefined;
}

/** The secret of the first place that names one. */
export function resolveSecret(places: readonly SecretPlace[]): SecretSetting {
  for (const { secret, file, names, folder } of places) {
    if (secret !== undefined && file !== undefined) throw new MeshError("OPTION_INVALID", `${names[0]} and ${names[1]} are both set; keep one`);
    if (secret !== undefined) return { secret: checkSecret(secret, names[0]), secretFile: undefined };
    if (file !== undefined) return openSecret(resolve(folder, file), names[1]);
  }
  return { secret: undefined, secretFile: undefined };
}

function openSecret(path: string, name: string): SecretSetting {
  try {
    return { secret: secretFile(path), secretFile: path };
  } catch (error) {
    throw new MeshError("OPTION_INVALID", `${name}: ${(error as Error).message}`, { cause: error });
  }
}

function checkSecret(secret: string, where: string): string {
  const bytes = Buffer.byteLength(secret);
  if (bytes >= limits.SECRET_BYTES_MIN) return secret;
  throw new MeshError("OPTION_INVALID", `${where} has ${bytes} bytes; a secret needs at least ${limits.SECRET_BYTES_MIN}, such as from: openssl rand -hex 32`);
}
