// Figures over the repetitions of a run: medians and spreads of what was measured, by system. Steps whose verdict is not clean have no figures.

import { percentile, spread, type Spread } from "../../statistics.js";
import type { MeasuredStep } from "../cluster.js";
import { isClean } from "../experiments/experiment.js";
import type { MicroRun } from "../experiments/micro.js";
import type { SystemName } from "../systems/registry.js";

const VALUE_BYTES = 8;
const KEY_BYTES = 12;

export function systemsOf(runs: readonly { readonly system: SystemName }[]): SystemName[] {
  return [...new Set(runs.map(({ system }) => system))];
}

/** In the order of their first steps, grouped by what the name function says. */
export function grouped<Item, Name>(items: readonly Item[], name: (item: Item) => Name): Map<Name, Item[]> {
  const groups = new Map<Name, Item[]>();
  for (const item of items) groups.set(name(item), [...(groups.get(name(item)) ?? []), item]);
  return groups;
}

/** The median and spread of a figure over steps of the same kind; undefined where one of them has a violation, or there is none. */
export function figure(system: SystemName, steps: readonly MeasuredStep[], of: (step: MeasuredStep) => number): Spread | undefined {
  if (steps.length === 0 || steps.some((step) => !isClean(step, system))) return undefined;
  return spread(steps.map(of));
}

export function stepsAt(runs: readonly MicroRun[], system: SystemName, rate: number): MeasuredStep[] {
  return runs.filter((run) => run.system === system).flatMap(({ fixed, sweep }) => [...fixed, ...sweep.steps].filter((step) => step.rate === rate));
}

/** Measured and warm-up alike: what the processes used, they used for all workflows. */
export function workflowsOf({ rate, completed }: MeasuredStep, warmUpMs: number): number {
  return completed + (rate * warmUpMs) / 1000;
}

export function totalCpu({ cpuMicros }: MeasuredStep): number {
  return cpuMicros.host + cpuMicros.store + cpuMicros.servers.reduce((sum, cpu) => sum + cpu, 0);
}

export function serverCpu({ cpuMicros }: MeasuredStep): number {
  return cpuMicros.store + cpuMicros.servers.reduce((sum, cpu) => sum + cpu, 0);
}

/**
 * Bytes per operation that are neither key nor value, on the way between functions and servers, among servers, and in what is handed from function to
 * function. A write carries its key and value to each server once.
 */
export function metadataBytes(step: MeasuredStep, servers: number, warmUpMs: number): number {
  const share = step.completed / workflowsOf(step, warmUpMs);
  const payload = step.reads * (KEY_BYTES + VALUE_BYTES) + step.writes * (KEY_BYTES + VALUE_BYTES) * servers;
  const wire = (step.wireBytes.client + step.wireBytes.peers) * share;
  return (wire + step.contextBytes - payload) / (step.reads + step.writes);
}

export function contextBytes({ contextBytes: bytes, hops }: MeasuredStep): number {
  return hops === 0 ? 0 : bytes / hops;
}

export function visibilityOf(runs: readonly MicroRun[], system: SystemName): { readonly distance: number; readonly p50: number; readonly p99: number }[] {
  const own = runs.filter((run) => run.system === system && run.visibilityMs.length > 0);
  if (own.length === 0) return [];
  return own[0].visibilityMs.map((_, index) => {
    // JSON knows no infinity and writes null.
    const samples = own.flatMap(({ visibilityMs }) => visibilityMs[index].map((ms) => ms ?? Infinity));
    return { distance: index + 1, p50: percentile(samples, 0.5), p99: percentile(samples, 0.99) };
  });
}

export function sustainedOf(
  runs: readonly { readonly system: SystemName; readonly sweep: { readonly sustained: number; readonly steps: readonly MeasuredStep[] } }[],
  system: SystemName,
): Spread | undefined {
  const own = runs.filter((run) => run.system === system);
  if (own.length === 0 || own.some(({ sweep }) => sweep.steps.some((step) => !isClean(step, system)))) return undefined;
  return spread(own.map(({ sweep }) => sweep.sustained));
}
