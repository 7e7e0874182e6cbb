// docs/tokens.md says how large tokens are; here they are measured, and the rule for baggage is held: under 512 characters for a mesh of usual size.

import { readFileSync } from "node:fs";
import { describe, expect, it, onTestFinished } from "vitest";
import type { MeshClient } from "../src/client/mesh-client.js";
import type { OwnWrite } from "../src/client/context.js";
import { createMesh } from "../src/embedded/create-mesh.js";
import { TOKEN_OWN_BYTES_AIM } from "../src/limits.js";
import { EMPTY_VECTOR, vectorOf } from "../src/protocol/vector.js";
import { TestStore } from "./support/test-store.js";

/** After a million writes at each node. */
const COUNTER = 1_000_000;
/** A few bytes of the format may come and go without a new table. */
const TOLERANCE = 24;

function ownWrite(bytes: number): OwnWrite {
  const key = "cart:4242";
  return { replica: 1, counter: COUNTER, timestamp: 4096 * 1e11, changes: [{ key, value: new Uint8Array(bytes - key.length), expiresAt: 0 }] };
}

const IN_FLIGHT: readonly (readonly OwnWrite[])[] = [[], [ownWrite(100)], [ownWrite(TOKEN_OWN_BYTES_AIM)]];

async function sizes(): Promise<number[][]> {
  const mesh = (await createMesh({ store: new TestStore(), secret: "the secret of this test's mesh" })) as MeshClient;
  onTestFinished(() => mesh.close());
  const sizeOf = async (nodes: number, own: readonly OwnWrite[]): Promise<number> => {
    const visible = vectorOf(Array.from({ length: nodes }, (_, index) => [index + 1, COUNTER]));
    const written = own.length === 0 ? EMPTY_VECTOR : visible;
    return (await mesh.pack({ visible, written, time: 4096 * 1e11, own })).length;
  };
  const rows: number[][] = [];
  for (const nodes of [3, 8, 64]) {
    const row = [nodes];
    for (const own of IN_FLIGHT) row.push(await sizeOf(nodes, own));
    rows.push(row);
  }
  return [...rows, [0, (await mesh.session().token()).length]];
}

describe("a token's size", () => {
  it("is what docs/tokens.md says, and fits into headers and baggage", async () => {
    const measured = await sizes();
    const document = readFileSync(new URL("../../../docs/tokens.md", import.meta.url), "utf8");
    const rows = [...document.matchAll(/^\| (?:a session that has seen nothing|(\d+) nodes) \| ([\d| ]+?) \|$/gm)];
    const documented = rows.map(([, nodes = "0", cells]) => [Number(nodes), ...cells.split("|").map(Number)]);
    console.log(`measured: ${JSON.stringify(measured)}`);
    expect(documented.map((row) => row.length)).toEqual(measured.map((row) => row.length));
    for (const [index, row] of documented.entries()) {
      for (const [column, size] of row.entries())
        expect(Math.abs(size - measured[index][column]), `${row.join()} against ${measured[index].join()}`).toBeLessThanOrEqual(TOLERANCE);
    }
    const [, [, eight], [, sixtyFour, , largest]] = measured;
    expect(eight).toBeLessThan(512);
    expect(sixtyFour).toBeLessThan(512);
    expect(largest).toBeLessThan(4096);
  });
});
