// What counts as an anomaly, and that a workflow is counted once for each kind that it shows.

import { describe, expect, it } from "vitest";
import { Memory } from "../src/anomalies.js";
import type { FunctionName } from "../src/functions.js";
import type { FunctionHosts } from "../src/hosts.js";
import { Random } from "../src/random.js";
import type { Review } from "../src/systems.js";
import { runWorkflow, type Site, type User } from "../src/workflows.js";

const review = (id: string, version: number): Review => ({ id, version, film: 1, user: 7, rating: 5, text: "" });
const entry = (id: string, version: number) => ({ review: id, version });

describe("a review that is shown", () => {
  it("is in order as long as its versions grow and the list promises no more", () => {
    const memory = new Memory();
    expect(memory.judge(entry("a", 1), review("a", 1))).toEqual([]);
    expect(memory.judge(entry("a", 1), review("a", 3))).toEqual([]);
    expect(memory.judge(entry("b", 0), null)).toEqual([]);
  });

  it("goes backwards where the user has seen a newer version, and is without its cause where the list promises one", () => {
    const memory = new Memory();
    memory.judge(entry("a", 2), review("a", 2));
    expect(memory.judge(entry("a", 1), review("a", 1))).toEqual(["going backwards"]);
    expect(memory.judge(entry("a", 2), review("a", 1))).toEqual(["going backwards", "effect without its cause"]);
    expect(memory.judge(entry("b", 1), null)).toEqual(["effect without its cause"]);
  });

  it("is an own write that is missing, and nothing else, where the user wrote it", () => {
    const memory = new Memory();
    memory.wrote("a", 2);
    memory.judge(entry("a", 2), review("a", 2));
    expect(memory.judge(entry("a", 2), review("a", 1))).toEqual(["own write missing"]);
    expect(memory.judge(entry("a", 2), null)).toEqual(["own write missing"]);
  });
});

describe("a workflow", () => {
  /** Function hosts that show one review on every page, in these versions one after the other. */
  function site(versions: number[]): Site {
    const run = async (_system: string, name: FunctionName): Promise<unknown> => {
      const result = name === "readList" ? { version: 1, entries: [entry("a", 1)] } : [review("a", versions.shift()!)];
      return { result, token: "" };
    };
    return { system: "plain", hosts: { run } as unknown as FunctionHosts, films: [], random: new Random(1) };
  }
  const user = (): User => ({ id: 1, memory: new Memory(), token: "" });
  const oneFilm = (place: Site): Site => ({ ...place, films: [{ id: 1, title: "" }] as unknown as Site["films"] });

  it("that reads the same review several times finds out that it goes backwards, and counts once", async () => {
    expect(await runWorkflow("open reviews", oneFilm(site([1, 2, 2])), user())).toEqual(new Set());
    expect(await runWorkflow("open reviews", oneFilm(site([2, 1, 2])), user())).toEqual(new Set(["going backwards"]));
    expect(await runWorkflow("open reviews", oneFilm(site([2, 1, 1])), user())).toEqual(new Set(["going backwards"]));
    expect(await runWorkflow("open reviews", oneFilm(site([1, 1, 0])), user())).toEqual(new Set(["going backwards", "effect without its cause"]));
  });

  it("goes on from what the user's last one has seen", async () => {
    const person = user();
    expect(await runWorkflow("read a film's page", oneFilm(site([2])), person)).toEqual(new Set());
    expect(await runWorkflow("read a film's page", oneFilm(site([1])), person)).toEqual(new Set(["going backwards"]));
  });
});
