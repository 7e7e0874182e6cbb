// The secrets of a mesh: nodes and clients prove one of them to each other, and tokens are signed with it. There are several while one takes
// the place of another, and they may change while a program runs: whoever uses them asks for those of now.

import { encodeUtf8 } from "../bytes/utf8.js";
import { MeshError } from "../errors.js";
import { SECRET_BYTES_MIN, SECRETS_MAX } from "../limits.js";
import type { SecretSource } from "../mesh.js";

export class Secrets {
  readonly #source: SecretSource | undefined;
  readonly #onWarning: ((message: string) => void) | undefined;
  #last: readonly string[];
  #lastWarning = "";

  /** Throws OPTION_INVALID for secrets that would be easy to guess, and for what are none. */
  constructor(source: SecretSource | undefined, onWarning?: (message: string) => void) {
    this.#source = source;
    this.#onWarning = onWarning;
    this.#last = source === undefined ? [] : read(source);
  }

  /** The first proves and signs, each is accepted; none where the mesh has no secret. The same array until they change. Never throws. */
  get current(): readonly string[] {
    if (typeof this.#source !== "function") return this.#last;
    try {
      const now = read(this.#source);
      if (now.length !== this.#last.length || now.some((secret, index) => secret !== this.#last[index])) this.#last = now;
      this.#lastWarning = "";
    } catch (error) {
      this.#warn((error as MeshError).message);
    }
    return this.#last;
  }

  /** Connections of strangers must not fill the log. */
  #warn(message: string): void {
    if (message === this.#lastWarning) return;
    this.#lastWarning = message;
    this.#onWarning?.(`the secrets stay as they were: ${message}`);
  }
}

/** Throws OPTION_INVALID as `new Secrets` does. Called where options come in, before anything is begun. */
export function checkSecrets(source: SecretSource | undefined): void {
  if (source !== undefined) read(source);
}

function read(source: SecretSource): readonly string[] {
  const secrets: unknown = typeof source === "function" ? ask(source) : source;
  const list: unknown[] = Array.isArray(secrets) ? [...(secrets as unknown[])] : [secrets];
  if (list.length === 0 || list.length > SECRETS_MAX)
    throw new MeshError("OPTION_INVALID", `there are ${list.length} secrets; give 1 to ${SECRETS_MAX}, the one to sign and to prove with first`);
  for (const secret of list) {
    if (typeof secret !== "string" || encodeUtf8(secret).length < SECRET_BYTES_MIN)
      throw new MeshError("OPTION_INVALID", `a secret must be a string of at least ${SECRET_BYTES_MIN} bytes, such as from: openssl rand -hex 32`);
  }
  return list as string[];
}

function ask(source: () => unknown): unknown {
  try {
    return source();
  } catch (error) {
    if (error instanceof MeshError) throw error;
    throw new MeshError("OPTION_INVALID", `the function that returns the secrets failed: ${String(error)}`, { cause: error });
  }
}
