// How far an evaluation is: one line on standard error per step, with the time that is left by how long the steps so far have taken.

export class Progress {
  readonly #write: (line: string) => void;
  readonly #begin = performance.now();
  #planned = 0;
  #done = 0;

  constructor(write: (line: string) => void) {
    this.#write = write;
  }

  /** Seconds that something is going to take, roughly; said for everything before the first of it begins. */
  plan(seconds: number): void {
    this.#planned += seconds;
  }

  /** So many of the planned seconds' work have been done. */
  done(seconds: number, text: string): void {
    this.#done = Math.min(this.#planned, this.#done + seconds);
    const elapsedMs = performance.now() - this.#begin;
    const leftMs = this.#done === 0 ? 0 : (elapsedMs / this.#done) * (this.#planned - this.#done);
    this.#write(`${String(Math.round((this.#done / this.#planned) * 100)).padStart(3)} %, ${minutes(leftMs)} left: ${text}`);
  }
}

function minutes(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
