// The demo: starts everything, runs the workflows, shows progress, ends with a table, and leaves nothing behind.

import { ANOMALIES } from "./anomalies.js";
import { parseArguments, PORT_DEFAULT, USAGE, type Arguments } from "./arguments.js";
import { Figures } from "./figures.js";
import { PortInUse, servePage, type PageServer, type Snapshot } from "./page/server.js";
import { Random } from "./random.js";
import { run } from "./run.js";
import { Stage } from "./stage.js";
import { table } from "./table.js";
import type { MemberStatus } from "@causalmesh/core";

const STATUS_PERIOD_MS = 500;
const PROGRESS_PERIOD_MS = 1_000;

class Demo {
  readonly #options: Arguments;
  readonly #stage = new Stage();
  #figures = new Figures();
  #state: Snapshot["state"] = "starting";
  #what = "starting";
  #members: readonly MemberStatus[] = [];
  #interrupted = false;
  #wake: () => void = () => undefined;

  constructor(options: Arguments) {
    this.#options = options;
  }

  #snapshot(): Snapshot {
    const figures = this.#figures;
    return {
      state: this.#state,
      what: this.#what,
      seconds: figures.seconds,
      workflowsTotal: this.#options.workflows,
      members: this.#members,
      systems: { causalmesh: figures.of("causalmesh"), plain: figures.of("plain") },
      timeline: figures.timeline(),
    };
  }

  #say(line: string): void {
    if (!this.#options.json) console.log(line);
  }

  async run(): Promise<number> {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => this.#interrupt());
    const { once, seed } = this.#options;
    const page = await this.#servePage();
    try {
      this.#say(`the page: ${page.url}   seed: ${seed}`);
      const code = await Promise.race([this.#play(), this.#interruption()]);
      if (!once && code !== INTERRUPTED) {
        this.#say(`\nThe page stays at ${page.url}. Ctrl-C ends the demo.`);
        await this.#interruption();
      }
      return code;
    } catch (error) {
      // Whatever fails while everything is being ended was interrupted like the rest.
      if (this.#interrupted) return INTERRUPTED;
      throw error;
    } finally {
      page.close();
      await this.#stage.stop();
    }
  }

  /** Nobody may look at the page of a run that ends by itself, so that a port which nobody asked for is no reason to fail. */
  async #servePage(): Promise<PageServer> {
    const { port, once } = this.#options;
    const serve = (at: number): Promise<PageServer> => servePage(at, () => this.#snapshot());
    if (port !== undefined) return serve(port);
    try {
      return await serve(PORT_DEFAULT);
    } catch (error) {
      if (!once || !(error instanceof PortInUse)) throw error;
      this.#say(`port ${PORT_DEFAULT} is in use; the page takes another one`);
      return serve(0);
    }
  }

  #interrupt(): void {
    this.#interrupted = true;
    this.#wake();
  }

  #interruption(): Promise<number> {
    return new Promise((resolve) => {
      this.#wake = () => resolve(INTERRUPTED);
      if (this.#interrupted) resolve(INTERRUPTED);
    });
  }

  async #play(): Promise<number> {
    const stage = this.#stage;
    const { workflows, seed, store } = this.#options;
    const lost = new Promise<never>((_, reject) => {
      stage.crew.onLoss = (message) => reject(new Error(message));
    });
    lost.catch(() => undefined);
    await Promise.race([
      lost,
      stage.start(new Random(seed), store, (what) => {
        this.#what = what;
        this.#say(what);
      }),
    ]);
    this.#what = `${workflows} workflows in each system`;
    this.#figures = new Figures();
    this.#state = "running";
    const timers = [setInterval(() => void this.#look(), STATUS_PERIOD_MS), setInterval(() => this.#progress(), PROGRESS_PERIOD_MS)];
    try {
      await Promise.race([lost, run(stage, this.#figures, { workflows, seed, stopped: () => this.#interrupted })]);
    } finally {
      for (const timer of timers) clearInterval(timer);
    }
    this.#figures.end();
    await this.#look();
    this.#state = "done";
    return this.#conclude();
  }

  async #look(): Promise<void> {
    const status = await this.#stage.mesh?.status().catch(() => undefined);
    if (status !== undefined) this.#members = [...status.members].sort((a, b) => a.replica - b.replica);
  }

  #progress(): void {
    const { workflows } = this.#options;
    const figures = this.#figures;
    const parts = (["causalmesh", "plain"] as const).map(
      (system) => `${system} ${figures.done(system)}/${workflows}, ${figures.anomaliesOf(system)} anomalies`,
    );
    this.#say(`${figures.seconds.toFixed(0).padStart(3)} s   ${parts.join("   ")}`);
  }

  #conclude(): number {
    const figures = this.#figures;
    const held = figures.anomaliesOf("causalmesh") === 0 && figures.anomaliesOf("plain") > 0;
    const { seed, json } = this.#options;
    if (json)
      console.log(JSON.stringify({ held, seed, seconds: figures.seconds, systems: { causalmesh: figures.of("causalmesh"), plain: figures.of("plain") } }));
    this.#say(`\n${table(figures)}\n`);
    this.#say(
      held
        ? "CausalMesh showed no anomaly; the plain caches did."
        : `Not as promised: expected no anomaly (${ANOMALIES.join(", ")}) from CausalMesh, and some from the plain caches.`,
    );
    return held ? 0 : 1;
  }
}

const INTERRUPTED = 130;

async function main(): Promise<number> {
  let options: Arguments;
  try {
    options = parseArguments(process.argv.slice(2));
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`);
    return 2;
  }
  if (options.help) {
    console.log(USAGE);
    return 0;
  }
  try {
    return await new Demo(options).run();
  } catch (error) {
    console.error((error as Error).message);
    return 1;
  }
}

process.exit(await main());
