// A Lua script, sent by its digest; whole only to a server that does not know it yet.

import { createHash } from "node:crypto";
import type { Redis } from "ioredis";

export class Script<Answer> {
  readonly #text: string;
  readonly #digest: string;

  constructor(text: string) {
    this.#text = text;
    this.#digest = createHash("sha1").update(text).digest("hex");
  }

  /** Strings in the answer are Buffers. Arguments are one array: as many as a spread could not take. */
  async run(client: Redis, keys: readonly string[], args: readonly (string | Buffer | number)[]): Promise<Answer> {
    const rest = [keys.length, ...keys].concat(args as never[]);
    try {
      return (await client.callBuffer("evalsha", [this.#digest].concat(rest as never[]))) as Answer;
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith("NOSCRIPT")) throw error;
      return (await client.callBuffer("eval", [this.#text].concat(rest as never[]))) as Answer;
    }
  }
}
