// No false alarm where nodes die, are cut off and come back: then sessions make writes again that were lost, under other names, and calls fail of which nobody knows what became of them.

import type { MeshError, Session } from "@causalmesh/core";
import { SeededRandom } from "@causalmesh/core/testing";
import { testMesh, type TestMesh } from "@causalmesh/testing";
import { expect, it } from "vitest";
import { observed } from "../src/index.js";
import { seedOf, watch } from "./support.js";

const RUNS = 12;
const WORKFLOWS = 6;
const STEPS = 120;
const KEYS = ["a", "b", "c"];
/** What calls may fail with where nodes come and go. */
const EXCUSED = new Set(["TIMEOUT", "NODE_UNREACHABLE", "NODE_BEHIND", "OUTCOME_UNKNOWN"]);
const seed = seedOf();

async function step(session: Session, random: SeededRandom, name: string): Promise<void> {
  const key = random.pick(KEYS);
  const what = random.next();
  if (what < 0.5) await session.get(key);
  else if (what < 0.85) await session.set(key, name, { durability: random.pick(["memory", "replicated"] as const) });
  else if (what < 0.92) await session.setMany(KEYS.map((one) => [one, name]));
  else await session.delete(key);
}

async function excused(call: () => Promise<void>): Promise<void> {
  try {
    await call();
  } catch (error) {
    if (!EXCUSED.has((error as MeshError).code)) throw error;
  }
}

/** One node after the other is killed or cut off, and comes back. */
async function trouble(world: TestMesh, random: SeededRandom, isOver: () => boolean): Promise<number> {
  let troubles = 0;
  while (!isOver()) {
    await world.sleep(random.between(50, 400));
    const node = random.pick(world.nodes);
    troubles += 1;
    if (random.chance(0.6)) {
      world.kill(node);
      await world.sleep(random.between(50, 4_000));
      await world.restart(node);
    } else {
      world.cut(node);
      await world.sleep(random.between(50, 4_000));
      world.heal(node);
    }
    await world.sleep(3_000);
  }
  return troubles;
}

it(`finds nothing in ${RUNS} meshes with trouble (seed ${seed})`, async () => {
  for (let run = 0; run < RUNS; run++) {
    const { monitor, findings } = watch({ windowOperations: 2_000 });
    const troubles = await testMesh(
      async (world) => {
        const random = new SeededRandom(seed + run);
        const mesh = observed(world.mesh, { sample: 1, report: (line) => monitor.add(line) });
        let running = WORKFLOWS;
        const troubled = trouble(world, random.split(), () => running === 0);
        const workflow = async (number: number): Promise<void> => {
          const own = random.split();
          let session = mesh.session();
          for (let at = 0; at < STEPS; at++) {
            await excused(() => step(session, own, `${number} ${at}`));
            if (own.chance(0.3)) await world.sleep(own.between(0, 200));
            if (own.chance(0.15)) await excused(async () => void (session = mesh.session(await session.token(), { node: own.pick(world.nodes) })));
            if (!own.chance(0.1)) continue;
            const fork = session.fork();
            await Promise.all([excused(() => step(session, own, `${number} ${at} left`)), excused(() => step(fork, own, `${number} ${at} right`))]);
            session.join(fork);
          }
          running -= 1;
        };
        await Promise.all(Array.from({ length: WORKFLOWS }, (_, number) => workflow(number)));
        return await troubled;
      },
      { nodes: 3, seed: seed + run },
    );
    monitor.judge();
    expect(
      findings.map(({ story }) => story),
      `seed ${seed + run}`,
    ).toEqual([]);
    expect(troubles).toBeGreaterThan(0);
    expect(monitor.numbers.judged).toBeGreaterThan(200);
  }
});
