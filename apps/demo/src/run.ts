// The load: users of both systems side by side, the same users doing the same kinds of things in each.

import { Memory } from "./anomalies.js";
import type { Figures } from "./figures.js";
import { Random } from "./random.js";
import type { Stage } from "./stage.js";
import { SYSTEMS, type System } from "./systems.js";
import { runWorkflow, type Site, type User, type WorkflowName } from "./workflows.js";

/** Users who are at the site at once, per system; each does one thing after another. */
const USERS = 12;
/** Share of the workflows that write, and of those in which somebody reads one page. */
const WRITING = 0.5;
const READING = 0.25;

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
    const site: Site = { system, hosts: stage.hosts, films: stage.films, random };
    while (left-- > 0 && !stopped()) {
      const name = chooseWorkflow(random);
      const begin = performance.now();
      const met = await runWorkflow(name, site, user);
      figures.finished(system, name, performance.now() - begin);
      for (const anomaly of met) figures.found(system, anomaly);
    }
  };
  await Promise.all(Array.from({ length: USERS }, (_, id) => runUser(id)));
}

function chooseWorkflow(random: Random): WorkflowName {
  const share = random.next();
  if (share < WRITING) return "write a review";
  return share < WRITING + READING ? "read a film's page" : "open reviews";
}
