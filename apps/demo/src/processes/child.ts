// What every process of the demo has in common: it is told how to start, answers when it is ready, and ends when its parent says so or is gone.

/** From the parent. */
export type Order<Options> = { readonly type: "start"; readonly options: Options } | { readonly type: "stop" };
/** To the parent. */
export type Report = { readonly type: "ready" } | { readonly type: "failed"; readonly message: string };

/** Runs a process: `start` resolves with how to end it. */
export function runChild<Options>(start: (options: Options) => Promise<() => Promise<void>>): void {
  let stop: (() => Promise<void>) | undefined;
  const end = async (): Promise<void> => {
    await stop?.().catch(() => undefined);
    process.exit(0);
  };
  process.on("message", (order: Order<Options>) => {
    if (order.type === "stop") void end();
    if (order.type === "start") void begin(order.options);
  });
  const begin = async (options: Options): Promise<void> => {
    try {
      stop = await start(options);
      report({ type: "ready" });
    } catch (error) {
      report({ type: "failed", message: error instanceof Error ? error.message : String(error) });
    }
  };
  // Ctrl-C reaches the whole group of processes; the parent decides in which order they end.
  process.on("SIGINT", () => undefined);
  process.on("SIGTERM", () => void end());
  process.on("disconnect", () => void end());
}

function report(message: Report): void {
  process.send?.(message);
}
