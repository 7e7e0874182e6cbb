// What every process of the demo has in common: it is told how to start, answers when it is ready, and ends when its parent says so or is gone.

/** From the parent. */
export type Order<Options> = { readonly type: "start"; readonly options: Options } | { readonly type: "stop" };
/** To the parent. */
export type Report = { readonly type: "ready" } | { readonly type: "failed"; readonly message: string };

export interface Ending {
  stop(): Promise<void>;
  /** Runs after `stop` where the parent is gone: what it would have tidied up is left to its children. */
  readonly orphaned?: () => void;
}

/** Runs a process: `start` resolves with how to end it. */
export function runChild<Options>(start: (options: Options) => Promise<Ending>): void {
  let ending: Ending | undefined;
  const end = async (): Promise<void> => {
    await ending?.stop().catch(() => undefined);
    if (!process.connected) ending?.orphaned?.();
    process.exit(0);
  };
  process.on("message", (order: Order<Options>) => {
    if (order.type === "stop") void end();
    if (order.type === "start") void begin(order.options);
  });
  const begin = async (options: Options): Promise<void> => {
    try {
      ending = await start(options);
      report({ type: "ready" });
    } catch (error) {
      report({ type: "failed", message: error instanceof Error ? error.message : String(error) });
    }
  };
  // Signals may reach the whole group of processes; the parent decides in which order they end.
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => undefined);
  process.on("disconnect", () => void end());
}

/** Sends something to the parent. One that has just gone is noticed by `disconnect`, not here. */
export function tell(message: unknown): void {
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
}

function report(message: Report): void {
  tell(message);
}
