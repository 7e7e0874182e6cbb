// Hybrid logical clock (design section 5): physical milliseconds with a counter below them, so that a timestamp is close to
// the wall clock and yet later than everything that it causally follows. Winners are chosen by these timestamps.

/** 2024-01-01T00:00:00Z. 41 bits of milliseconds from here last until 2093. */
export const TIMESTAMP_EPOCH_MS = 1_704_067_200_000;
/** Timestamps of one millisecond: 12 bits. With the milliseconds they fill one safe integer. */
export const TIMESTAMPS_PER_MS = 4096;
/** Timestamps between the places in which the nodes begin a millisecond. */
const PLACE = 16;

/** The millisecond since 1970 in which a timestamp falls. */
export function timestampMs(timestamp: number): number {
  return Math.floor(timestamp / TIMESTAMPS_PER_MS) + TIMESTAMP_EPOCH_MS;
}

/** The first timestamp of a millisecond since 1970. */
export function timestampAt(ms: number): number {
  return Math.max(0, Math.floor(ms) - TIMESTAMP_EPOCH_MS) * TIMESTAMPS_PER_MS;
}

/** One node's clock. It reads no time itself: `tick` brings it. */
export class HybridClock {
  /** The latest timestamp given out or seen. */
  latest = 0;
  #wall = 0;
  #boundary = 0;
  /**
   * Each node begins a millisecond in a place of its own: equal timestamps, which only the replica ids would tell apart, come about where one node writes
   * more in a millisecond than there is room before the next place. A write that is made again elsewhere keeps its timestamp, and not its replica id.
   */
  readonly #place: number;

  constructor(replica: number) {
    this.#place = (replica * PLACE) % TIMESTAMPS_PER_MS;
  }

  /**
   * Tells the time, in milliseconds since 1970. It may go back: `latest` does not. Where the machine's wall clock says something else than what
   * the node goes by, timestamps of others are judged by the later of the two.
   */
  tick(nowMs: number, wallMs = nowMs): void {
    const begins = timestampAt(nowMs);
    this.#wall = begins + this.#place;
    this.#boundary = wallMs > nowMs ? timestampAt(wallMs) : begins;
  }

  /** What `tick` told, in milliseconds since 1970. */
  get wallMs(): number {
    return timestampMs(this.#wall);
  }

  /** A timestamp later than all given out and all seen. */
  next(): number {
    this.latest = Math.max(this.latest + 1, this.#wall);
    return this.latest;
  }

  /** The present: not behind the wall clock nor behind anything seen. Not a timestamp for a write. */
  now(): number {
    return Math.max(this.latest, this.#wall);
  }

  /** Takes note of a timestamp from elsewhere, which the gateway has found to be within bounds. */
  observe(timestamp: number): void {
    if (timestamp > this.latest) this.latest = timestamp;
  }

  /** How far a timestamp is ahead of this node's wall clock, in milliseconds; negative when it is behind. */
  aheadMs(timestamp: number): number {
    return Math.floor((timestamp - this.#boundary) / TIMESTAMPS_PER_MS);
  }

  /** Milliseconds since 1970 by which expiry is judged: never behind anything that was seen, so that what has expired stays so. */
  nowMs(): number {
    return timestampMs(this.now());
  }
}
