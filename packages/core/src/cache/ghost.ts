// Hashes of the keys that were evicted not long ago without having been used: whoever comes back that soon was evicted too
// soon and goes to the main queue at once. A mistake costs nothing but a place in a queue, so four bytes per key are enough.

const WAYS = 4;
const GENERATION_BITS = 12;
const GENERATIONS = (1 << GENERATION_BITS) - 1;
/** Generations that are remembered; the others show that a slot is old. */
const GENERATIONS_KEPT = 64;
const SLOTS_MIN = 64;

export class Ghost {
  /** Top 20 bits of the hash and the generation (1 to 4 095) in one; 0 is empty. Low bits of the hash choose four of them. */
  #slots = new Uint32Array(0);
  #generation = 1;
  #added = 0;

  get bytes(): number {
    return this.#slots.byteLength;
  }

  /** Remembers a hash beside about `keys` others. */
  add(hash: number, keys: number): void {
    if (keys > this.#slots.length || keys * 4 < this.#slots.length) this.#resize(keys);
    if (++this.#added * GENERATIONS_KEPT > keys) this.#nextGeneration();
    const slots = this.#slots;
    const first = this.#first(hash);
    let oldest = first;
    let oldestAge = -1;
    for (let slot = first; slot < first + WAYS; slot++) {
      const age = slots[slot] === 0 ? GENERATIONS : this.#age(slots[slot]);
      if (age > oldestAge) {
        oldest = slot;
        oldestAge = age;
      }
    }
    slots[oldest] = ((hash >>> GENERATION_BITS) << GENERATION_BITS) | this.#generation;
  }

  /** Whether the hash is remembered; it no longer is afterwards. */
  take(hash: number): boolean {
    const slots = this.#slots;
    if (slots.length === 0) return false;
    const first = this.#first(hash);
    for (let slot = first; slot < first + WAYS; slot++) {
      if (slots[slot] === 0 || (slots[slot] ^ hash) >>> GENERATION_BITS !== 0) continue;
      const known = this.#age(slots[slot]) < GENERATIONS_KEPT;
      slots[slot] = 0;
      if (known) return true;
    }
    return false;
  }

  #first(hash: number): number {
    return Math.imul(hash, WAYS) & (this.#slots.length - 1);
  }

  #age(slot: number): number {
    const age = this.#generation - (slot & GENERATIONS);
    return age < 0 ? age + GENERATIONS : age;
  }

  #nextGeneration(): void {
    this.#added = 0;
    this.#generation = this.#generation === GENERATIONS ? 1 : this.#generation + 1;
  }

  /** Begins anew; what is forgotten by it costs some hits, once per doubling. */
  #resize(keys: number): void {
    let slots = SLOTS_MIN;
    while (slots < keys) slots *= 2;
    if (slots !== this.#slots.length) this.#slots = new Uint32Array(slots);
  }
}
