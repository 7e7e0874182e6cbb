// What is counted while the workflows run, and the form in which the terminal, the page and `--json` get it.

import { ANOMALIES, type Anomaly } from "./anomalies.js";
import { SYSTEMS, type System } from "./systems.js";
import { WORKFLOWS, type WorkflowName } from "./workflows.js";

export interface SystemFigures {
  readonly workflows: number;
  readonly perSecond: number;
  readonly anomalies: Readonly<Record<Anomaly, number>>;
  /** Milliseconds, by workflow. */
  readonly latency: Readonly<Record<WorkflowName, { readonly p50: number; readonly p99: number }>>;
}

/** One second of the run. */
export interface Second {
  readonly second: number;
  readonly anomalies: Readonly<Record<System, number>>;
  /** Milliseconds over all workflows of that second; null where none ended. */
  readonly p50: Readonly<Record<System, number | null>>;
  readonly p99: Readonly<Record<System, number | null>>;
}

interface Sample {
  readonly at: number;
  readonly workflow: WorkflowName;
  readonly ms: number;
}

class Counter {
  readonly samples: Sample[] = [];
  readonly anomalies: { readonly at: number; readonly anomaly: Anomaly }[] = [];
}

export class Figures {
  readonly #began = performance.now();
  #ended: number | undefined;
  readonly #counters: Record<System, Counter> = { causalmesh: new Counter(), plain: new Counter() };

  get seconds(): number {
    return ((this.#ended ?? performance.now()) - this.#began) / 1000;
  }

  /** The run is over: its time stands still. */
  end(): void {
    this.#ended = performance.now();
  }

  finished(system: System, workflow: WorkflowName, ms: number): void {
    this.#counters[system].samples.push({ at: this.seconds, workflow, ms });
  }

  found(system: System, anomaly: Anomaly): void {
    this.#counters[system].anomalies.push({ at: this.seconds, anomaly });
  }

  done(system: System): number {
    return this.#counters[system].samples.length;
  }

  anomaliesOf(system: System): number {
    return this.#counters[system].anomalies.length;
  }

  of(system: System): SystemFigures {
    const { samples, anomalies } = this.#counters[system];
    const last = samples.at(-1)?.at ?? 0;
    return {
      workflows: samples.length,
      perSecond: last > 0 ? samples.length / last : 0,
      anomalies: record(ANOMALIES, (kind) => anomalies.filter(({ anomaly }) => anomaly === kind).length),
      latency: record(WORKFLOWS, (name) => {
        const sorted = sortedMs(samples.filter(({ workflow }) => workflow === name));
        return { p50: quantile(sorted, 0.5) ?? 0, p99: quantile(sorted, 0.99) ?? 0 };
      }),
    };
  }

  /** The seconds that are over. */
  timeline(): Second[] {
    const perSecond = record(SYSTEMS, (system) => this.#bySecond(system));
    return Array.from({ length: this.#ended === undefined ? Math.floor(this.seconds) : Math.ceil(this.seconds) }, (_, second) => ({
      second,
      anomalies: record(SYSTEMS, (system) => perSecond[system].anomalies.get(second) ?? 0),
      p50: record(SYSTEMS, (system) => quantile(perSecond[system].ms.get(second) ?? [], 0.5)),
      p99: record(SYSTEMS, (system) => quantile(perSecond[system].ms.get(second) ?? [], 0.99)),
    }));
  }

  #bySecond(system: System): { anomalies: Map<number, number>; ms: Map<number, number[]> } {
    const { samples, anomalies } = this.#counters[system];
    const counts = new Map<number, number>();
    for (const { at } of anomalies) counts.set(Math.floor(at), (counts.get(Math.floor(at)) ?? 0) + 1);
    const ms = new Map<number, number[]>();
    for (const sample of samples) ms.set(Math.floor(sample.at), [...(ms.get(Math.floor(sample.at)) ?? []), sample.ms]);
    for (const values of ms.values()) values.sort((a, b) => a - b);
    return { anomalies: counts, ms };
  }
}

function sortedMs(samples: readonly Sample[]): number[] {
  return samples.map(({ ms }) => ms).sort((a, b) => a - b);
}

function quantile(sorted: readonly number[], share: number): number | null {
  return sorted.length === 0 ? null : sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

function record<Name extends string, Value>(names: readonly Name[], of: (name: Name) => Value): Record<Name, Value> {
  return Object.fromEntries(names.map((name) => [name, of(name)])) as Record<Name, Value>;
}
