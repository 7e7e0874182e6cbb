// Files that are read again while they are in use: secrets and certificates are replaced while a program runs. Whoever uses them looks, at most
// once a second, instead of being told by the file system: that works for files that are replaced, for mounted secrets, and after a freeze.

import { readFileSync } from "node:fs";
import { MeshError } from "@causalmesh/core";

/** How old what is used may be, in milliseconds. */
const LOOK_MS = 1_000;

/** Is told that other contents are in use now, or what is wrong with those in the files; those of before stay in use then. */
export type RereadListener = (error: MeshError | undefined) => void;

/** What is made of the contents of some files, made anew when they change. */
export class RereadFiles<Value> {
  readonly #paths: readonly string[];
  readonly #make: (texts: readonly string[]) => Value;
  readonly #told: RereadListener | undefined;
  #texts: readonly string[];
  #value: Value;
  #lookedAt = performance.now();
  #lastError = "";

  /** Throws OPTION_INVALID where a file cannot be read, and what `make` throws. */
  constructor(paths: readonly string[], make: (texts: readonly string[]) => Value, told?: RereadListener) {
    this.#paths = paths;
    this.#make = make;
    this.#told = told;
    this.#texts = paths.map(readText);
    this.#value = make(this.#texts);
  }

  /** The same object until the files change. Never throws. */
  get current(): Value {
    const now = performance.now();
    if (now - this.#lookedAt >= LOOK_MS) {
      this.#lookedAt = now;
      this.#look();
    }
    return this.#value;
  }

  #look(): void {
    try {
      const texts = this.#paths.map(readText);
      if (texts.some((text, index) => text !== this.#texts[index])) {
        this.#value = this.#make(texts);
        this.#texts = texts;
        this.#told?.(undefined);
      }
      this.#lastError = "";
    } catch (error) {
      const { message } = error as MeshError;
      if (message !== this.#lastError) this.#told?.(error as MeshError);
      this.#lastError = message;
    }
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new MeshError("OPTION_INVALID", `the file ${path} cannot be read: ${(error as Error).message}`, { cause: error });
  }
}
