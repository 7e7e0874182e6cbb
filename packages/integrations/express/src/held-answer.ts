// An answer that is held back until the session's token is there: header lines leave first, Node.js writes them at once, and a token takes
// a moment. What the handler does meanwhile with the answer is done afterwards, in its order.

import type { ServerResponse } from "node:http";

type Method = "writeHead" | "flushHeaders" | "write" | "end";
const METHODS: readonly Method[] = ["writeHead", "flushHeaders", "write", "end"];

/**
 * Holds the answer from when its header lines would leave until `ready` has resolved. Where it rejects, nothing of the answer is sent, and
 * `failed` may send another one.
 */
export function holdAnswer(response: ServerResponse, ready: () => Promise<void>, failed: (error: unknown) => void): void {
  const held: (() => void)[] = [];
  let isHeld = false;
  const hold = (call: () => void): void => {
    held.push(call);
    if (isHeld) return;
    isHeld = true;
    // Whoever asks would send a second answer otherwise.
    Object.defineProperty(response, "headersSent", { configurable: true, get: () => true });
    ready().then(
      () => {
        release(response);
        for (const call of held) call();
        // Whoever writes more than there is room for waits for this.
        if (!response.writableEnded) response.emit("drain");
      },
      (error: unknown) => {
        release(response);
        for (const name of response.getHeaderNames()) response.removeHeader(name);
        failed(error);
      },
    );
  };
  for (const method of METHODS) {
    Object.defineProperty(response, method, {
      configurable: true,
      writable: true,
      value: (...args: unknown[]) => {
        hold(() => (response[method] as (...args: unknown[]) => unknown)(...args));
        return method === "write" ? false : response;
      },
    });
  }
}

/** The methods of its class are there again. */
function release(response: ServerResponse): void {
  for (const name of [...METHODS, "headersSent"]) Reflect.deleteProperty(response, name);
}
