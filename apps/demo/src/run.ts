// The load: users of both systems side by side, the same users doing the same kinds of things in each.

import { Memory } from "./anomalies.js";
import type { Figures } from "./figures.js";
import { Random } from "./random.js";
import type { Stage } from "./stage.js";
import { SYSTEMS, type System } from "./systems.js";
import { readFilm, WORKFLOWS, writeReview, type Site, type User } from "./workflows.js";

/** Users who are at the site at once, per system; each does one thing after another. */
const USERS = 12;
/** Share of the workflows that write. */
const WRITING = 0.5;

export interface RunOptions {
  /** Workflows per system. */
  readonly workflows: number;
  readonly seed: number;
  readonly stopped: () => boolean;
}

/** Runs the workflows of both systems at the same time. Rejects when a function fails. */
export async function run(stage: Stage, figures: Figures, options: RunOptions): Promise<void> {
  await Promise.all(SYSTEMS.map((system) => runSystem(system, stage, figures, options)));
}

async function runSystem(system: System, stage: Stage, figures: Figures, { workflows, seed, stopped }: RunOptions): Promise<void> {
  let left = workflows;
  const runUser = async (id: number): Promise<void> => {
    const random = new Random(seed * 1_000 + id);
    const user: User = { id, memory: new Memory(), token: "" };
    const site: Site = { system, hosts: stage.hosts, films: stage.films, random, found: (anomaly) => figures.found(system, anomaly) };
    while (left-- > 0 && !stopped()) {
      const writes = random.next() < WRITING;
      const begin = performance.now();
      await (writes ? writeReview(site, user) : readFilm(site, user));
      figures.finished(system, WORKFLOWS[writes ? 0 : 1], performance.now() - begin);
    }
  };
  await Promise.all(Array.from({ length: USERS }, (_, id) => runUser(id)));
}
