// Wakes the event loop at regular times. The runtime's timers are late by up to a millisecond, which is several times what a workflow takes; a
// thread that sleeps in the kernel is late by a few hundredths.

import { Worker } from "node:worker_threads";

const PROGRAM = `
  const { parentPort, workerData } = require("node:worker_threads");
  const { cell, everyMs, origin } = workerData;
  const now = () => performance.timeOrigin + performance.now();
  let next = origin + everyMs;
  while (Atomics.load(cell, 0) === 0) {
    const left = next - now();
    if (left > 0) Atomics.wait(cell, 0, 0, left);
    next = Math.max(next + everyMs, now() - everyMs);
    parentPort.postMessage(0);
  }
`;

export class Ticker {
  readonly #worker: Worker;
  readonly #cell = new Int32Array(new SharedArrayBuffer(4));

  constructor(everyMs: number, tick: () => void) {
    const origin = performance.timeOrigin + performance.now();
    this.#worker = new Worker(PROGRAM, { eval: true, workerData: { cell: this.#cell, everyMs, origin } });
    this.#worker.on("message", tick);
  }

  async stop(): Promise<void> {
    this.#worker.removeAllListeners("message");
    Atomics.store(this.#cell, 0, 1);
    Atomics.notify(this.#cell, 0);
    await this.#worker.terminate();
  }
}
