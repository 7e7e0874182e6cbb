// Every example runs and prints what it says.

import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { ROOT } from "../packages.mjs";

const WORKFLOW = "[ { state: 'placed, paid' }, 'for the order that is placed, paid' ]\n";

const EXPECTED: Readonly<Record<string, string>> = {
  "01-quick-start.mjs": "{ items: [ 'tea' ] }\n",
  "02-fork-and-join.mjs": "[ 'uploading', 'Great', 'I laughed.' ]\n",
  "03-nodes-over-tcp.mjs": "hello from a mesh of 3\n",
  "04-over-http.mjs": "200 { items: [ 'tea' ] }\n{ items: [ 'tea' ] }\n",
  "05-hono.mjs": WORKFLOW,
  "06-express.mjs": WORKFLOW,
  "07-aws-lambda.mjs": "[ 'pay after it was placed', 'pack after it was placed' ]\n",
  "08-temporal.mjs": "shipped what was placed, paid\n",
  "09-a-transaction-that-roams.mjs": "[ 4, { price: 3 }, 4 ]\n4\n",
  "10-counters-and-sets.mjs": "3 [ 'blue', 'green', 'red', 'seen' ]\n2 [ 'blue', 'green', 'red' ]\n",
};

/** Its pages have what the examples print. */
const GUARANTEES = "guarantees";
const PARTS = ["mesh.mjs", "plain-caches.mjs"];

function run(path: string): string {
  return execFileSync(process.execPath, [`${ROOT}/examples/${path}`], { encoding: "utf8", timeout: 30_000 });
}

function named(folder: string, ending: string): string[] {
  return readdirSync(`${ROOT}/${folder}`).filter((name) => name.endsWith(ending));
}

describe("examples", () => {
  const found = named("examples", ".mjs");

  it("are all expected to print something", () => {
    expect([...found].sort()).toEqual(Object.keys(EXPECTED));
  });

  it.each(found)("%s", (name) => {
    expect(run(name)).toBe(EXPECTED[name]);
  });
});

describe("guarantees", () => {
  const pages = named(`docs/${GUARANTEES}`, ".md").filter((name) => name !== "README.md");

  it("have an example each", () => {
    const examples = named(`examples/${GUARANTEES}`, ".mjs").filter((name) => !PARTS.includes(name));
    expect(examples.map((name) => name.replace(/mjs$/, "md"))).toEqual(pages);
  });

  it.each(pages)("%s says what its example prints", (name) => {
    const printed = run(`${GUARANTEES}/${name.replace(/md$/, "mjs")}`);
    expect(printed).toMatch(/^plain caches: .+\nthe mesh: .+\n$/);
    expect(readFileSync(`${ROOT}/docs/${GUARANTEES}/${name}`, "utf8")).toContain(`\`\`\`\n${printed}\`\`\``);
  });
});
