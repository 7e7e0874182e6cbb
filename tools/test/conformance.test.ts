// Whether the model and the code do the same, and whether the conformance run would see it if they did not.

import { MUTATIONS } from "@causalmesh/core/testing";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { playRound } from "../conformance-round.mjs";
import { compileModel, loadModel } from "../model.mjs";
import { MODEL_MUTATIONS } from "../model-mutations.mjs";
import { ROOT } from "../packages.mjs";

const SEED = 1;
/** All that can happen in a mesh: a trace in which something never does would say nothing about it. */
const DEEDS = "begin break collect commit end extend flush join read receive send snapshot stored tell write".split(" ");

let model: string;
beforeAll(async () => {
  model = await compileModel();
}, 300_000);

describe("the conformance run", () => {
  it(`finds the model and the code in the same state after every step, from the seed ${SEED}`, async () => {
    const { divergence, steps, deeds } = await playRound(loadModel(model), SEED, { numRuns: 60 });
    expect(divergence?.lines.join("\n")).toBeUndefined();
    expect(steps).toBeGreaterThan(1_500);
    expect(Object.keys(deeds).sort()).toEqual(DEEDS);
  });

  it("plays the same again from the same seed", async () => {
    const modules = loadModel(model);
    expect(await playRound(modules, SEED, { numRuns: 10 })).toEqual(await playRound(modules, SEED, { numRuns: 10 }));
  });

  it("finds a rule that has changed in the code alone, and shows it in a few steps", async () => {
    const mutation = MUTATIONS.find(({ name }) => name === "no-wv")!;
    const { divergence } = await playRound(loadModel(model), SEED, { mutation });
    expect(divergence?.length).toBeLessThanOrEqual(4);
    expect(divergence?.differences.join("\n")).toMatch(/in the code, .* in the model/);
  });

  it("finds a rule that has changed in the model alone, and shows it in a few steps", async () => {
    const { change } = MODEL_MUTATIONS.find(({ name }) => name === "everybody is the tail")!;
    const { divergence } = await playRound(loadModel(await compileModel(change)), SEED);
    expect(divergence?.length).toBeLessThanOrEqual(4);
    expect(divergence?.differences.join("\n")).toMatch(/in the code, .* in the model/);
  });
});

describe("the compiled model", () => {
  it("says what Dafny complains of", async () => {
    await expect(compileModel((name: string, text: string) => (name === "node.dfy" ? text.replace("Max(", "Maximum(") : text))).rejects.toThrow(
      /does not compile:\n[^]*node\.dfy\(\d+,\d+\): Error: unresolved identifier: Maximum/,
    );
  });

  it.each(MODEL_MUTATIONS)("has the rule that is changed: $name", ({ file, change }) => {
    const text = readFileSync(join(ROOT, "spec", file), "utf8");
    expect(change(file, text)).not.toBe(text);
  });
});
