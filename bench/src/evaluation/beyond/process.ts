// One process of a simulated deployment: an event loop on a processor. It runs the very code that a real one would, in no virtual time, and is then busy for what that
// work costs; what the work has sent leaves when that is over. As in a real loop, sockets and timers that are ready are served one after another, with all bytes
// that came meanwhile, and what they have put off comes after them: so a busy process does more at a time, and that costs it less.

import type { Platform, Timer } from "@causalmesh/core";
import { type Simulation, WORLD_BEGINS_MS } from "@causalmesh/core/testing";
import type { Cores } from "./cores.js";
import { noWork, type Source, type Work } from "./work.js";

export interface ProcessOptions {
  readonly name: string;
  /** What it runs on; undefined where there is always another processor for it, as for functions that are started wherever there is room. */
  readonly cores: Cores | undefined;
  /** Milliseconds that a step costs. */
  readonly costMs: (work: Work) => number;
  /** Called at the end of each step; `measuredMs` is what it took in this very process. */
  readonly onStep?: (work: Work, measuredMs: number) => void;
}

/** Whoever has been idle for so long begins with what the processor has forgotten. */
export const PAUSE_MS = 1;

interface Task {
  readonly source: Source;
  readonly run: () => void;
}

export class SimulatedProcess {
  readonly name: string;
  /** Milliseconds of a processor used so far. */
  busyMs = 0;
  readonly platform: Platform;
  readonly #simulation: Simulation;
  readonly #options: ProcessOptions;
  /** What is ready, what of it this turn of the loop serves, and what has been put off to its end. */
  #ready: Task[] = [];
  #turn: Task[] = [];
  #at = 0;
  #deferred: Task[] = [];
  #isAtDeferred = false;
  #isBusy = false;
  #idleSince = 0;
  /** What the step that is open has done so far; undefined between steps. */
  #work: Work | undefined;
  #soon: (() => void)[] = [];
  /** What happens when the step's time is over. */
  #leaving: (() => void)[] = [];
  #beganAt = 0;

  constructor(simulation: Simulation, options: ProcessOptions) {
    this.name = options.name;
    this.#simulation = simulation;
    this.#options = options;
    const { random } = simulation;
    this.platform = {
      clock: {
        now: () => Math.floor(WORLD_BEGINS_MS + simulation.time),
        monotonic: () => simulation.time,
        after: (ms, task) => this.#after(ms, task),
        soon: (task) => this.#putOff(task),
        defer: (task) => this.#defer({ source: "loop", run: task }),
      },
      random: random.next,
      entropy: (count) => Uint8Array.from({ length: count }, () => random.int(0, 255)),
    };
  }

  /** Has something done in a step of its own, when its turn comes. */
  run(source: Source, task: () => void): void {
    this.#ready.push({ source, run: task });
    if (!this.#isBusy) this.#begin();
  }

  /** Resolves within a step of this process. */
  entered(): Promise<void> {
    return new Promise((resolve) => this.run("loop", resolve));
  }

  /** Calls `leave` when the work of the step that is open is done. */
  leaves(leave: () => void): void {
    if (this.#work === undefined) this.run("loop", () => this.#leaving.push(leave));
    else this.#leaving.push(leave);
  }

  /** The step that is open, to note in it what is done; outside of steps what is noted is lost. */
  get work(): Work {
    return this.#work ?? noWork("loop");
  }

  #after(ms: number, task: () => void): Timer {
    let cancelled = false;
    const timer = this.#simulation.schedule(ms, () =>
      this.run("loop", () => {
        if (!cancelled) task();
      }),
    );
    return {
      cancel: () => {
        cancelled = true;
        timer.cancel();
      },
    };
  }

  #putOff(task: () => void): void {
    if (this.#work === undefined) this.run("loop", task);
    else this.#soon.push(task);
  }

  #defer(task: Task): void {
    this.#deferred.push(task);
    if (!this.#isBusy) this.#begin();
  }

  #begin(): void {
    this.#isBusy = true;
    if (this.#options.cores === undefined) this.#loop();
    else this.#options.cores.request(() => this.#loop());
  }

  /** A turn of the event loop begins. */
  #loop(): void {
    this.#turn = this.#ready;
    this.#ready = [];
    this.#at = 0;
    this.#isAtDeferred = false;
    this.#next(true);
  }

  #next(isFirst: boolean): void {
    if (this.#at === this.#turn.length && !this.#isAtDeferred) {
      this.#turn = this.#deferred;
      this.#deferred = [];
      this.#at = 0;
      this.#isAtDeferred = true;
    }
    if (this.#at < this.#turn.length) {
      this.#step(this.#turn[this.#at++], isFirst);
      return;
    }
    this.#isBusy = false;
    this.#idleSince = this.#simulation.time;
    this.#options.cores?.release();
    if (this.#ready.length + this.#deferred.length > 0) this.#begin();
  }

  #step({ source, run }: Task, isFirst: boolean): void {
    this.#work = noWork(source);
    if (isFirst) {
      this.#work.turns = 1;
      this.#work.wakes = this.#simulation.time - this.#idleSince >= PAUSE_MS ? 1 : 0;
    }
    this.#beganAt = performance.now();
    run();
    // The next event of this moment comes after the promises that the work has set off.
    this.#simulation.schedule(0, () => this.#settled());
  }

  #settled(): void {
    if (this.#soon.length > 0) {
      const tasks = this.#soon;
      this.#soon = [];
      for (const task of tasks) task();
      this.#simulation.schedule(0, () => this.#settled());
      return;
    }
    const work = this.#work!;
    this.#options.onStep?.(work, performance.now() - this.#beganAt);
    const leaving = this.#leaving;
    this.#work = undefined;
    this.#leaving = [];
    const costMs = this.#options.costMs(work);
    this.busyMs += costMs;
    const isElastic = this.#options.cores === undefined;
    this.#simulation.schedule(costMs, () => {
      for (const leave of leaving) leave();
      if (!isElastic) this.#next(false);
    });
    if (isElastic) this.#next(false);
  }
}
