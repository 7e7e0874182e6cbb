// What a store does once before its first call: connect, look at the server, make its tables.

import { backoffMs } from "@causalmesh/core";

/** Gives what is made when it is first asked for. */
export interface Lazy<Made> {
  (): Promise<Made>;
  /** What was made is gone, such as a connection: it is made again when it is next asked for. */
  forget(): void;
}

/** Makes something once for all who ask, and keeps it; what failed is tried again when somebody asks. */
export function lazily<Made>(make: () => Promise<Made>): Lazy<Made> {
  let made: Promise<Made> | undefined;
  const forget = (): void => void (made = undefined);
  const ask = async (): Promise<Made> => {
    const asked = (made ??= make());
    try {
      return await asked;
    } catch (error) {
      if (made === asked) forget();
      throw error;
    }
  };
  return Object.assign(ask, { forget });
}

/**
 * Tries what failed not again before a pause, which doubles with each failure up to RETRY_DELAY_MS_MAX. Until then it rejects at once with what went
 * wrong: those who wait know soon that a server is away, and a server in trouble is left alone.
 */
export function withPauses<Made>(make: () => Promise<Made>): () => Promise<Made> {
  let failure: unknown;
  let failures = 0;
  let retryAt = -Infinity;
  return async () => {
    if (performance.now() < retryAt) throw failure;
    try {
      const made = await make();
      failures = 0;
      return made;
    } catch (error) {
      failure = error;
      retryAt = performance.now() + backoffMs(failures++, Math.random);
      throw error;
    }
  };
}
