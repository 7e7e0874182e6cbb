// Counters and sets on real processes over TCP, one of which is killed in the middle: everything that was acknowledged counts, and nothing counts twice.

import type { MeshError } from "@causalmesh/core";
import { expect, it } from "vitest";
import { meshOfProcesses } from "./support/processes.js";

const NODES = 3;
const ROUNDS = 60;

it("a node is killed while sessions at all nodes add to a counter and a set", async () => {
  const { processes, mesh } = await meshOfProcesses(NODES);

  let acknowledged = 0;
  let unknown = 0;
  const members: string[] = [];
  const workflow = async (index: number): Promise<string> => {
    let session = mesh.session(undefined, { node: processes.addresses[index] });
    let mine = 0;
    for (let round = 0; round < ROUNDS; round++) {
      try {
        await session.increment("visits");
        acknowledged += 1;
        mine += 1;
      } catch (error) {
        expect((error as MeshError).code).toBe("OUTCOME_UNKNOWN");
        unknown += 1;
      }
      const member = `${index}.${round}`;
      await session.addMembers("seen", [member]);
      members.push(member);
      if (index === 0 && round === ROUNDS / 2) void processes.loseAt(1);
      session = mesh.session(await session.token(), { node: processes.addresses[(index + round) % NODES] });
      expect(await session.count("visits")).toBeGreaterThanOrEqual(mine);
      expect(await session.members("seen")).toContain(member);
    }
    return await session.token();
  };
  const session = mesh.session(await Promise.all(Array.from({ length: NODES }, (_, index) => workflow(index))));
  const count = await session.count("visits");
  expect(count).toBeGreaterThanOrEqual(acknowledged);
  expect(count).toBeLessThanOrEqual(acknowledged + unknown);
  expect(await session.members("seen")).toEqual(members.sort());
  expect(processes.failures).toEqual([]);
}, 120_000);
