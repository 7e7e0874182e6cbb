// A Lua script, sent by its digest; whole only to a server that does not know it yet.

import { createHash } from "node:crypto";
import type { Redis } from "ioredis";

type Sending = (script: string, keyCount: number, rest: readonly (string | Buffer | number)[]) => Promise<unknown>;

/** What ioredis has without declaring it. `callBuffer`, which it declares, fails on clients that pipeline by themselves. */
export interface ScriptClient {
  readonly evalBuffer: Sending;
  readonly evalshaBuffer: Sending;
}

export class Script<Answer> {
  readonly #text: string;
  readonly #digest: string;

  constructor(text: string) {
    this.#text = text;
    this.#digest = createHash("sha1").update(text).digest("hex");
  }

  /** Strings in the answer are Buffers. */
  async run(client: Redis, keys: readonly string[], args: readonly (string | Buffer | number)[]): Promise<Answer> {
    // One array, which ioredis unpacks: there may be more arguments than a call takes.
    const rest = [...keys, ...args];
    const sending = client as unknown as ScriptClient;
    try {
      return (await sending.evalshaBuffer(this.#digest, keys.length, rest)) as Answer;
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith("NOSCRIPT")) throw error;
      return (await sending.evalBuffer(this.#text, keys.length, rest)) as Answer;
    }
  }
}
