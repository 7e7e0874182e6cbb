// Runs one workflow: its functions one after another or in parallel, each at a cache server, with the context of those before it. It begins again
// where the system gives it up, names the writes, and notes what was read.

import { Aborted, bytesOf, type Context, type FunctionRun, type PlannedFunction, type SystemClient } from "../systems/system.js";
import type { SystemPromise } from "../systems/registry.js";
import { type Notes, numbered, numberIn, payloadIn } from "./notes.js";

export interface FunctionBody<Result> {
  readonly server: number;
  /** The keys that this function is going to read. */
  readonly reads: readonly string[];
  readonly last?: boolean;
  readonly work: (calls: Calls) => Promise<Result>;
}

/** What a function does to the store. */
export interface Calls {
  read(key: string): Promise<string | undefined>;
  readMany(keys: readonly string[]): Promise<readonly (string | undefined)[]>;
  write(key: string, payload?: string): Promise<void>;
}

export interface WorkflowSpec {
  readonly plan: readonly PlannedFunction[] | undefined;
  run(flow: Flow): Promise<void>;
}

/** What a run counts. */
export class Tally {
  reads = 0;
  writes = 0;
  hops = 0;
  contextBytes = 0;
  /** Milliseconds of single calls. */
  readonly readMs: number[] = [];
  readonly writeMs: number[] = [];
  readonly aborts: Record<string, number> = {};
}

/** A workflow that is given up so often is counted as failed. */
const ATTEMPTS_MAX = 100;

export interface FlowOptions {
  readonly client: SystemClient;
  readonly promise: SystemPromise;
  readonly tally: Tally;
  readonly notes: Notes | undefined;
  readonly name: string;
  readonly nextNumber: () => number;
  /** Milliseconds, for the latency of single calls. */
  readonly now: () => number;
}

export async function runWorkflow(spec: WorkflowSpec, options: FlowOptions): Promise<void> {
  const { client, tally, notes, name } = options;
  let retryWith: Context | undefined;
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
    const workflow = `${name}.${attempt}`;
    let aborted = true;
    try {
      await spec.run(new Flow(workflow, await client.begin(spec.plan, retryWith), options));
      aborted = false;
      return;
    } catch (error) {
      if (!(error instanceof Aborted)) throw error;
      ({ retryWith } = error);
      tally.aborts[error.reason] = (tally.aborts[error.reason] ?? 0) + 1;
    } finally {
      notes?.add({ what: "end", workflow, aborted });
    }
  }
  throw new Error(`a workflow was given up ${ATTEMPTS_MAX} times`);
}

/** A workflow, or a branch of one. */
export class Flow {
  readonly #options: FlowOptions;
  readonly #workflow: string;
  #contexts: readonly Context[];
  #session: string;
  #branches = 0;
  /** Of a system that makes all writes at the end: the number that they share, and their keys. */
  readonly #held = new Map<string, number>();
  readonly #number: number;

  constructor(workflow: string, context: Context | undefined, options: FlowOptions, parent?: Flow) {
    this.#options = options;
    this.#workflow = workflow;
    this.#contexts = context === undefined ? [] : [context];
    this.#session = parent === undefined ? workflow : `${parent.#session}/${++parent.#branches}`;
    this.#number = parent === undefined ? options.nextNumber() : parent.#number;
    if (parent !== undefined) for (const [key, number] of parent.#held) this.#held.set(key, number);
    options.notes?.add({ what: "begin", session: this.#session, from: parent === undefined ? [] : [parent.#session] });
  }

  async call<Result>({ server, reads, last = false, work }: FunctionBody<Result>): Promise<Result> {
    const { client, tally } = this.#options;
    const run = await client.enter(this.#contexts, server, reads);
    const result = await work(this.#calls(run, server));
    if (last) await this.#finish(run, server);
    else {
      const context = await run.leave();
      tally.hops += 1;
      tally.contextBytes += bytesOf(context);
      this.#contexts = [context];
    }
    return result;
  }

  /** Runs branches that all begin from here, and joins them. A system whose contexts cannot be joined runs them one after the other. */
  async all(branches: readonly ((branch: Flow) => Promise<void>)[]): Promise<void> {
    if (!this.#options.promise.joins) {
      for (const branch of branches) await branch(this);
      return;
    }
    const flows = branches.map(() => {
      const flow = new Flow(this.#workflow, undefined, this.#options, this);
      flow.#contexts = this.#contexts;
      return flow;
    });
    await Promise.all(branches.map((branch, index) => branch(flows[index])));
    this.#contexts = flows.flatMap((flow) => flow.#contexts);
    const joined = `${this.#session}+${++this.#branches}`;
    this.#options.notes?.add({ what: "begin", session: joined, from: flows.map((flow) => flow.#session) });
    this.#session = joined;
    for (const flow of flows) for (const [key, number] of flow.#held) this.#held.set(key, number);
  }

  async #finish(run: FunctionRun, server: number): Promise<void> {
    const { notes, promise } = this.#options;
    if (!promise.holdsWrites || this.#held.size === 0) {
      await run.finish();
      return;
    }
    notes?.add({ what: "write", session: this.#session, server, keys: [...this.#held.keys()], number: this.#number });
    await run.finish();
    notes?.add({ what: "written", number: this.#number });
  }

  #calls(run: FunctionRun, server: number): Calls {
    return {
      read: async (key) => (await this.#read(run, server, [key]))[0],
      readMany: (keys) => this.#read(run, server, keys),
      write: (key, payload = "") => this.#write(run, server, key, payload),
    };
  }

  async #read(run: FunctionRun, server: number, keys: readonly string[]): Promise<(string | undefined)[]> {
    const { tally, notes, now } = this.#options;
    const begin = now();
    const values = await run.read(keys);
    tally.readMs.push(now() - begin);
    tally.reads += keys.length;
    if (notes !== undefined) this.#note(notes, server, keys, values);
    return values.map((value) => (value === undefined ? undefined : payloadIn(value)));
  }

  #note(notes: Notes, server: number, keys: readonly string[], values: readonly (string | undefined)[]): void {
    const numbers = values.map((value) => (value === undefined ? undefined : numberIn(value)));
    // What waits for the end of the workflow is in no history yet, but its own functions must see it.
    const isOwn = keys.map((key) => this.#held.has(key));
    keys.forEach((key, index) => {
      if (isOwn[index] && numbers[index] !== this.#held.get(key)) throw new Error(`${this.#session} wrote ${key} and reads write ${numbers[index]}`);
    });
    const others = (_: unknown, index: number): boolean => !isOwn[index];
    if (isOwn.includes(false)) notes.add({ what: "read", session: this.#session, server, keys: keys.filter(others), numbers: numbers.filter(others) });
  }

  async #write(run: FunctionRun, server: number, key: string, payload: string): Promise<void> {
    const { tally, notes, promise, nextNumber, now } = this.#options;
    const number = promise.holdsWrites ? this.#number : nextNumber();
    if (promise.holdsWrites) this.#held.set(key, number);
    else notes?.add({ what: "write", session: this.#session, server, keys: [key], number });
    const begin = now();
    await run.write(key, numbered(number, payload));
    tally.writeMs.push(now() - begin);
    tally.writes += 1;
    if (!promise.holdsWrites) notes?.add({ what: "written", number });
  }
}
