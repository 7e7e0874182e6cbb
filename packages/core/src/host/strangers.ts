// Connections whose other end has not proved anything yet. They cost little each; here stands how many there are at most, and how much of the
// log those that are refused may fill.

import type { Clock } from "../clock.js";
import { MeshError } from "../errors.js";
import { REFUSALS_TOLD_PER_SECOND_MAX, STRANGERS_MAX } from "../limits.js";

interface Stranger {
  dismiss(error: MeshError): void;
}

const SECOND_MS = 1_000;

export class Strangers {
  readonly #clock: Clock;
  readonly #onWarning: ((message: string) => void) | undefined;
  /** The oldest first. */
  readonly #waiting = new Set<Stranger>();
  #secondEndsAt = 0;
  #toldInSecond = 0;
  #untold = 0;

  constructor(clock: Clock, onWarning: ((message: string) => void) | undefined) {
    this.#clock = clock;
    this.#onWarning = onWarning;
  }

  /** Beyond the bound the oldest goes: an honest handshake takes a few trips, so it is done before its turn comes, which a refusal of the newest would not be. */
  came(stranger: Stranger): void {
    this.#waiting.add(stranger);
    if (this.#waiting.size <= STRANGERS_MAX) return;
    const [oldest] = this.#waiting;
    this.gone(oldest);
    oldest.dismiss(new MeshError("NODE_UNREACHABLE", "the node is met by more connections than it can wait for; try again, or another node"));
  }

  /** It has proved itself, or has ended. */
  gone(stranger: Stranger): void {
    this.#waiting.delete(stranger);
  }

  /** A connection was refused or broke the format. */
  refused(remote: string, error: MeshError): void {
    // It is told to come back a little later, and does so several times a second.
    if (error.code === "NODE_UNREACHABLE") return;
    const now = this.#clock.monotonic();
    if (now >= this.#secondEndsAt) {
      if (this.#untold > 0) this.#onWarning?.(`${this.#untold} more connections were refused before that`);
      this.#secondEndsAt = now + SECOND_MS;
      this.#toldInSecond = 0;
      this.#untold = 0;
    }
    if (this.#toldInSecond >= REFUSALS_TOLD_PER_SECOND_MAX) {
      this.#untold += 1;
      return;
    }
    this.#toldInSecond += 1;
    this.#onWarning?.(`${remote} was disconnected: ${error.code}: ${error.message}`);
  }
}
