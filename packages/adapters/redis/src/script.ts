// Lua scripts. ioredis sends one by its digest, and whole to a server that does not know it yet.

import type { Redis } from "ioredis";

type Argument = string | Buffer | number;

/** A function that runs the script. Strings in the answer are Buffers. */
export function script<Answer>(name: string, lua: string) {
  const command = `causalmesh:${name}`;
  return async (client: Redis, keys: readonly string[], args: readonly Argument[]): Promise<Answer> => {
    const commands = client as unknown as Record<string, (args: readonly Argument[]) => Promise<Answer>>;
    if (commands[command] === undefined) client.defineCommand(command, { lua });
    // One array, which ioredis unpacks: there may be more arguments than a call takes.
    return await commands[`${command}Buffer`]([keys.length, ...keys, ...args]);
  };
}
