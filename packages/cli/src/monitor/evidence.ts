// What is kept of each violation: a folder with the story as text and as a picture, and the history that was judged, for `causalmesh history check`. So many are kept, and the oldest goes.

import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { storyPicture, storyText } from "@causalmesh/checker";
import { MeshError } from "@causalmesh/core";
import type { Finding } from "@causalmesh/monitor";

/** Violations of which the evidence is kept: with the default window, a few megabytes each. */
export const EVIDENCE_MAX = 20;
/** What is named like this is ours, and may go. */
const OURS = /^\d{8}T\d{9}Z-\d+-[a-z-]+$/;

export class Evidence {
  readonly #folder: string;
  #count = 0;

  /** Throws OPTION_INVALID where the folder cannot be had. */
  constructor(folder: string) {
    this.#folder = folder;
    try {
      mkdirSync(folder, { recursive: true });
    } catch (error) {
      throw new MeshError("OPTION_INVALID", `the folder ${folder} of --evidence cannot be made: ${(error as Error).message}`, { cause: error });
    }
  }

  /** Keeps what shows a violation, and returns where. */
  keep({ story, lines }: Finding, now = new Date()): string {
    this.#count += 1;
    const name = `${now.toISOString().replace(/[-:.]/g, "")}-${this.#count}-${story.anomaly.replaceAll(" ", "-")}`;
    const path = join(this.#folder, name);
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, "story.txt"), `${storyText(story)}\n`);
    writeFileSync(join(path, "picture.svg"), storyPicture(story));
    writeFileSync(join(path, "history.jsonl"), lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
    this.#tidy();
    return path;
  }

  #tidy(): void {
    const ours = readdirSync(this.#folder)
      .filter((name) => OURS.test(name))
      .sort((a, b) => orderOf(a) - orderOf(b) || a.localeCompare(b));
    for (const name of ours.slice(0, Math.max(0, ours.length - EVIDENCE_MAX))) rmSync(join(this.#folder, name), { recursive: true, force: true });
  }
}

/** By time, and then by number. */
function orderOf(name: string): number {
  const [time, number] = name.split("-");
  return Number(time.replace(/\D/g, "")) + Number(number) / 1e6;
}
