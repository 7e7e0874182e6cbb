// A mesh of three nodes in this process, one of them perhaps without a rule of the protocol, and roaming workflows that put load on it until they are told to end.

import { memoryStore } from "@causalmesh/adapter-memory";
import { connectMesh, formMesh, memoryTransport, startNode, systemPlatform, type Mesh, type Platform, type RunningNode, type Session } from "@causalmesh/core";
import { MUTATIONS, SeededRandom, startMutant } from "@causalmesh/core/testing";
import { onTestFinished } from "vitest";

const SECRET = "a secret of observed meshes";
export const KEYS = ["stock of tea", "stock of milk", "order of ann", "order of ben"];
const WORKFLOWS = 8;

export interface MeshOptions {
  /** The rule that the second node lacks. */
  readonly mutation?: string;
  /** How far the clock of the second node is behind, in milliseconds. */
  readonly behindMs?: number;
}

/** A client of the mesh; everything ends with the test. */
export async function startMesh({ mutation, behindMs = 0 }: MeshOptions = {}): Promise<Mesh> {
  const store = memoryStore();
  const transport = memoryTransport();
  const view = await formMesh(store, ["a", "b", "c"]);
  const nodes: RunningNode[] = await Promise.all(
    view.members.map(({ address, replica }) => {
      const options = { store, transport, address, replica, secret: SECRET, platform: behind(address === "b" ? behindMs : 0) };
      if (mutation === undefined || address !== "b") return startNode(options);
      return startMutant(
        options,
        MUTATIONS.find(({ name }) => name === mutation)!,
      );
    }),
  );
  const mesh = await connectMesh({ nodes: ["a", "b", "c"], secret: SECRET }, transport);
  onTestFinished(async () => {
    await mesh.close();
    await Promise.allSettled(nodes.map((node) => node.close()));
  });
  return mesh;
}

function behind(ms: number): Platform {
  const { clock } = systemPlatform;
  return { ...systemPlatform, clock: { ...clock, now: () => clock.now() - ms } };
}

/** Runs workflows on the mesh until `isOver` says so; each of them roams with its token, forks and joins. */
export async function load(mesh: Mesh, seed: number, isOver: () => boolean): Promise<void> {
  const random = new SeededRandom(seed);
  let written = 0;
  const workflow = async (): Promise<void> => {
    let session: Session = mesh.session();
    while (!isOver()) {
      const key = random.pick(KEYS);
      const what = random.next();
      if (what < 0.4) await session.get(key);
      else if (what < 0.7) await session.set(key, `secret value ${written++}`);
      else if (what < 0.75) await session.setMany(KEYS.map((one) => [one, `secret value ${written++}`]));
      else if (what < 0.8) await session.delete(key);
      else if (what < 0.85) await session.transaction(async (transaction) => await transaction.set(key, `secret value ${written++}`));
      else if (what < 0.95) session = mesh.session(await session.token(), { node: random.pick(["a", "b", "c"]) });
      else {
        const fork = session.fork();
        await Promise.all([fork.set(key, `secret value ${written++}`), session.get(key)]);
        session.join(fork);
      }
    }
  };
  await Promise.all(Array.from({ length: WORKFLOWS }, workflow));
}
