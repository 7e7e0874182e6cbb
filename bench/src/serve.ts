// The child's side of crew.ts: answers the parent's commands one by one, and ends with the parent.

export type Commands = Readonly<Record<string, (...args: never[]) => unknown>>;

export interface Request {
  readonly id: number;
  readonly command: string;
  readonly args: readonly unknown[];
}

export interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}

/** What the parent gave to `Crew.start`. */
export function argument<Argument>(): Argument {
  return JSON.parse(process.argv[2] ?? "null") as Argument;
}

/** `end` runs when the parent lets go of this process, or is gone. */
export function serve(commands: Commands, end: () => Promise<void> | void = () => undefined): void {
  process.on("message", (request: Request) => void answer(commands, request));
  process.on("disconnect", () => void Promise.resolve(end()).finally(() => process.exit()));
  // Ctrl-C reaches the whole group of processes; the parent ends the children in its own order.
  process.on("SIGINT", () => undefined);
}

async function answer(commands: Commands, { id, command, args }: Request): Promise<void> {
  try {
    const value = await (commands[command] as (...args: unknown[]) => unknown)(...args);
    process.send?.({ id, value } satisfies Answer);
  } catch (error) {
    process.send?.({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) } satisfies Answer);
  }
}

/** CPU that this process has used, in microseconds, all threads together. */
export function cpuMicros(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}
