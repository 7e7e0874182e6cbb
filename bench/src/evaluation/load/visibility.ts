// How long after a write's acknowledgement other servers show it to whoever asks them, without a past.

import type { SystemClient } from "../systems/system.js";
import { numbered, numberIn } from "./notes.js";

export interface VisibilityOptions {
  readonly client: SystemClient;
  readonly servers: number;
  readonly keys: readonly string[];
  readonly nextNumber: () => number;
  /** Milliseconds, and a pause of so many. */
  readonly now: () => number;
  readonly pause: (ms: number) => Promise<void>;
  readonly probes: number;
  /** What is not shown within this time counts as never shown. */
  readonly limitMs: number;
}

const PAUSE_MS = 2;
/** Where none of so many is shown, waiting for one more says nothing new. */
const HOPELESS_PROBES = 3;

/** For each distance round the servers, milliseconds from a write's acknowledgement until a reader without a past is shown it there. */
export async function visibility(options: VisibilityOptions): Promise<number[][]> {
  const { client, servers, keys, nextNumber, now, pause, probes } = options;
  const delays: number[][] = Array.from({ length: servers - 1 }, () => []);
  for (let probe = 0; probe < probes; probe++) {
    const writer = probe % servers;
    const key = keys[probe % keys.length];
    const number = nextNumber();
    const context = await client.begin([{ server: writer, reads: [] }]);
    const run = await client.enter(context === undefined ? [] : [context], writer, []);
    await run.write(key, numbered(number, ""));
    await run.finish();
    const acknowledged = now();
    const shown = delays.map(async (before, distance) => {
      const isHopeless = before.length >= HOPELESS_PROBES && before.every((delay) => delay === Infinity);
      return isHopeless ? Infinity : await untilShown(options, (writer + distance + 1) % servers, key, number, acknowledged);
    });
    for (const [distance, delay] of (await Promise.all(shown)).entries()) delays[distance].push(delay);
    await pause(PAUSE_MS);
  }
  return delays;
}

async function untilShown({ client, now, limitMs }: VisibilityOptions, server: number, key: string, number: number, since: number): Promise<number> {
  for (;;) {
    const context = await client.begin([{ server, reads: [key] }]);
    const run = await client.enter(context === undefined ? [] : [context], server, [key]);
    const [value] = await run.read([key]);
    await run.finish();
    const delay = now() - since;
    if (value !== undefined && numberIn(value) === number) return delay;
    if (delay > limitMs) return Infinity;
  }
}
