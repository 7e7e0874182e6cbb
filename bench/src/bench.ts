// What a bench is: a run that measures, and a report with aims.

import type { Crew } from "./crew.js";

export interface BenchOptions {
  /** A smoke run: short phases and small data. Its figures say nothing. */
  readonly quick: boolean;
  readonly repetitions: number;
  readonly crew: Crew;
  /** Says how far it is, on standard error. */
  readonly progress: (text: string) => void;
}

/** A figure that the project wants to reach. */
export interface Aim {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly at: "least" | "most" | "below";
  readonly aim: number;
}

export interface Report {
  readonly ratios?: Readonly<Record<string, number>>;
  readonly aims: readonly Aim[];
  /** What was measured: numbers and spreads, nested by name. */
  readonly figures: Readonly<Record<string, unknown>>;
  /** What a reader has to know to understand the figures. */
  readonly notes: readonly string[];
}

export interface Bench {
  run(options: BenchOptions): Promise<Report>;
}

export function isMet({ value, at, aim }: Aim): boolean {
  if (at === "least") return value >= aim;
  return at === "most" ? value <= aim : value < aim;
}

/** The subjects in the order of this repetition: forwards and backwards in turn, so that none is always measured first. */
export function alternated<Subject>(subjects: readonly Subject[], repetition: number): Subject[] {
  return repetition % 2 === 0 ? [...subjects] : [...subjects].reverse();
}
