// Writes until a node takes no more, because the store does not, and what must hold then and afterwards.

import { limits, type Mesh, type Store } from "@causalmesh/core";
import { expect } from "vitest";

const KEYS = ["large 0", "large 1", "large 2", "large 3"];

export interface Filled {
  /** Acknowledged before the node refused. */
  readonly writes: number;
}

/** Writes large values, each over one of a few keys, until the node refuses: at its share of the log's bound, with a time to come back. */
export async function fillToBound(mesh: Mesh, node: string, store: Store): Promise<Filled> {
  const nodes = (await mesh.status()).members.length;
  const shareBytes = limits.LOG_BYTES_MAX / nodes;
  const session = mesh.session(undefined, { node, timeoutMs: 10_000 });
  const value = "v".repeat(Math.min(limits.VALUE_BYTES_MAX, store.abilities.valueBytesMax) - 64);
  let writes = 0;
  let refusal: unknown;
  while (refusal === undefined) {
    try {
      await session.set(KEYS[writes % KEYS.length], [writes, value], { durability: "everywhere" });
      writes += 1;
    } catch (error) {
      refusal = error;
    }
    expect(writes).toBeLessThanOrEqual(Math.ceil(shareBytes / value.length) + 1);
  }
  expect(refusal).toMatchObject({ code: "OVERLOADED", retryable: true, retryAfterMs: expect.any(Number) as number });
  expect(writes).toBeGreaterThan(shareBytes / value.length / 2);
  for (const { logBytes } of (await mesh.status()).members) expect(logBytes).toBeLessThan(shareBytes + 2 * limits.VALUE_BYTES_MAX);
  return { writes };
}

/** The store, which has taken everything since, holds the last value of each key. */
export async function expectFilled(store: Store, { writes }: Filled): Promise<void> {
  const rows = await store.getMany(KEYS);
  const counts = rows.map((row) => (JSON.parse(Buffer.from(row!.value!).toString()) as [number])[0]);
  expect(counts.sort((a, b) => a - b)).toEqual([4, 3, 2, 1].map((back) => writes - back));
}
