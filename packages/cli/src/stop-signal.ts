// Why a long-running command should stop. One object per command; the first reason counts, and a second signal means that
// the user will not wait.

/** `operator`: `causalmesh cluster drain`. */
export type StopReason = "SIGINT" | "SIGTERM" | "SIGHUP" | "parent" | "operator";

export interface StopWatch {
  /** The first reason. Never rejects. */
  readonly stopped: Promise<StopReason>;
  /** Resolves at the second signal. */
  readonly again: Promise<void>;
  /** From now on SIGHUP does this, and stops nothing: for what is read again, as daemons do. */
  onHangup(listener: () => void): void;
  /** Stops for a reason that is no signal. */
  stop(reason: StopReason): void;
  /** Gives the signals back to the process. */
  end(): void;
}

/**
 * Watches for signals; `supervised` nodes leave those of the terminal (which reach every process of its group) to their
 * parent, and stop when it says so or when it is gone.
 */
export function watchStop(supervised: boolean): StopWatch {
  const first = deferred<StopReason>();
  const second = deferred<void>();
  let signals = 0;
  const onSignal = (signal: NodeJS.Signals): void => {
    signals += 1;
    if (signals === 1) first.resolve(signal as StopReason);
    else second.resolve();
  };
  const ignore = (): void => undefined;
  const onParent = (): void => first.resolve("parent");
  const listeners: (readonly [string, (...args: never[]) => void])[] = supervised
    ? [
        ["SIGTERM", onSignal],
        ["SIGINT", ignore],
        ["SIGHUP", ignore],
        ["message", onParent],
        ["disconnect", onParent],
      ]
    : [
        ["SIGTERM", onSignal],
        ["SIGINT", onSignal],
        ["SIGHUP", onSignal],
      ];
  for (const [event, listener] of listeners) process.on(event as "SIGINT", listener as () => void);
  // The parent may have gone before anyone listened.
  if (supervised && !process.connected) onParent();
  return {
    stopped: first.promise,
    again: second.promise,
    onHangup: (listener) => {
      const at = listeners.findIndex(([event]) => event === "SIGHUP");
      process.removeListener("SIGHUP", listeners[at][1] as () => void);
      process.on("SIGHUP", listener);
      listeners[at] = ["SIGHUP", listener];
    },
    stop: first.resolve,
    end: () => {
      for (const [event, listener] of listeners) process.removeListener(event, listener as () => void);
    },
  };
}

function deferred<Value>(): { promise: Promise<Value>; resolve(value: Value): void } {
  let resolve!: (value: Value) => void;
  const promise = new Promise<Value>((settle) => (resolve = settle));
  return { promise, resolve };
}
