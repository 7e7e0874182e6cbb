// One direction of a simulated connection: bytes in order, late, cut and merged at will, sometimes held back at the sender.
// simulated-transport.ts makes connections of two of them.

import type { ConnectionEvents } from "../transport.js";
import type { SeededRandom } from "./random.js";
import type { Simulation } from "./simulation.js";

/** How a link behaves; drawn once per link and run. */
export interface LinkBehaviour {
  /** Typical delay in milliseconds; each delivery takes half to one and a half times that. */
  readonly delayMs: number;
  /** Chance that a delivery is cut at a random byte, the rest following later. */
  readonly cutChance: number;
  /** Chance that a send is held back, as by a full socket buffer. */
  readonly holdChance: number;
  /** Chance that a delivery stands still for up to `stallMs`. */
  readonly stallChance: number;
  readonly stallMs: number;
}

/** Bytes under way before the sender is held back whatever the chance says. */
const IN_FLIGHT_BYTES_MAX = 64 * 1024;
/** What delivered bytes are overwritten with after the call, so that whoever kept them without copying reads nonsense. */
const POISON = 0xa5;

export class Pipe {
  readonly #simulation: Simulation;
  readonly #random: SeededRandom;
  readonly #behaviour: LinkBehaviour;
  /** Where bytes go; undefined until the receiving side is open. */
  #receiver: ConnectionEvents | undefined;
  /** Called when held bytes have been taken. */
  readonly #onDrained: () => void;
  readonly #name: string;
  /** Arrays of the sender, not yet copied. */
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  /** Copies under way, the first of them from `#offset`. */
  #flying: Uint8Array[] = [];
  #offset = 0;
  #flyingBytes = 0;
  #delivering = false;
  #paused = false;
  #ended = false;
  #broken = false;

  constructor(name: string, simulation: Simulation, random: SeededRandom, behaviour: LinkBehaviour, onDrained: () => void) {
    this.#name = name;
    this.#simulation = simulation;
    this.#random = random;
    this.#behaviour = behaviour;
    this.#onDrained = onDrained;
  }

  /** Bytes that the sender must leave as they are. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** As `Connection.send`. */
  send(bytes: Uint8Array): boolean {
    if (this.#ended || this.#broken || bytes.length === 0) return true;
    if (this.#heldBytes > 0 || this.#flyingBytes > IN_FLIGHT_BYTES_MAX || this.#random.chance(this.#behaviour.holdChance)) {
      if (this.#heldBytes === 0) this.#scheduleTake();
      this.#held.push(bytes);
      this.#heldBytes += bytes.length;
      return false;
    }
    this.#take(bytes);
    return true;
  }

  /** No more bytes follow; after the last of them the receiver is told. */
  end(): void {
    this.#ended = true;
    this.#scheduleDelivery();
  }

  /** What is under way is lost, and nothing more is delivered. */
  break(): void {
    this.#broken = true;
    this.#held = [];
    this.#heldBytes = 0;
    this.#flying = [];
    this.#flyingBytes = 0;
  }

  openReceiver(receiver: ConnectionEvents): void {
    this.#receiver = receiver;
    this.#scheduleDelivery();
  }

  pauseReceiver(): void {
    this.#paused = true;
  }

  resumeReceiver(): void {
    this.#paused = false;
    this.#scheduleDelivery();
  }

  #take(bytes: Uint8Array): void {
    this.#flying.push(bytes.slice());
    this.#flyingBytes += bytes.length;
    this.#scheduleDelivery();
  }

  #scheduleTake(): void {
    this.#simulation.schedule(this.#delay(), () => {
      if (this.#broken || this.#heldBytes === 0) return;
      if (this.#flyingBytes > IN_FLIGHT_BYTES_MAX) return this.#scheduleTake();
      for (const bytes of this.#held) this.#take(bytes);
      this.#held = [];
      this.#heldBytes = 0;
      if (!this.#ended) this.#onDrained();
    });
  }

  #scheduleDelivery(): void {
    if (this.#delivering || this.#paused || this.#broken || this.#receiver === undefined) return;
    if (this.#flyingBytes === 0 && !(this.#ended && this.#heldBytes === 0)) return;
    this.#delivering = true;
    this.#simulation.schedule(
      this.#delay(),
      () => {
        this.#delivering = false;
        this.#deliver();
      },
      () => `${this.#name} ${this.#flying.join(" ")}${this.#ended ? " and the end" : ""}`,
    );
  }

  #deliver(): void {
    if (this.#paused || this.#broken) return;
    if (this.#flyingBytes === 0) {
      if (this.#ended && this.#heldBytes === 0) {
        this.#broken = true;
        this.#receiver!.closed(undefined);
      }
      return;
    }
    const length = this.#random.chance(this.#behaviour.cutChance) ? this.#random.int(1, this.#flyingBytes) : this.#flyingBytes;
    const chunk = this.#shift(length);
    this.#receiver!.data(chunk);
    chunk.fill(POISON);
    this.#scheduleDelivery();
  }

  /** The next `length` bytes as one array. */
  #shift(length: number): Uint8Array {
    const chunk = new Uint8Array(length);
    let filled = 0;
    while (filled < length) {
      const first = this.#flying[0];
      const part = first.subarray(this.#offset, this.#offset + length - filled);
      chunk.set(part, filled);
      filled += part.length;
      this.#offset += part.length;
      if (this.#offset === first.length) {
        this.#flying.shift();
        this.#offset = 0;
      }
    }
    this.#flyingBytes -= length;
    return chunk;
  }

  #delay(): number {
    const { delayMs, stallChance, stallMs } = this.#behaviour;
    const stall = this.#random.chance(stallChance) ? this.#random.between(0, stallMs) : 0;
    return delayMs * this.#random.between(0.5, 1.5) + stall;
  }
}
