// A mesh of node processes on this machine: starts them, waits for them, notices when one ends, stops all. `causalmesh dev`
// adds the command line and the text.

import { NodeProcess, type NodeProcessOptions, type NodeReady } from "./node-process.js";

/** Time for all nodes to listen. Generous: a cold start on a busy machine takes seconds. */
const START_TIMEOUT_MS = 30_000;
/** Time to flush and end before a node is killed. */
const STOP_TIMEOUT_MS = 20_000;

export interface LocalMeshOptions extends Pick<NodeProcessOptions, "env" | "cwd" | "log"> {
  /** Arguments of `node start` for each node, in the order of the ring. */
  readonly args: readonly (readonly string[])[];
}

export class LocalMesh {
  readonly nodes: readonly NodeProcess[];

  constructor({ args, env, cwd, log }: LocalMeshOptions) {
    this.nodes = args.map((nodeArgs, index) => new NodeProcess({ number: index + 1, args: nodeArgs, env, cwd, log }));
  }

  /** Resolves when every node listens. */
  async ready(): Promise<NodeReady[]> {
    const late = timeout(START_TIMEOUT_MS);
    try {
      const ready = Promise.all(this.nodes.map((node) => node.ready));
      const first = await Promise.race([ready, late.passed]);
      if (first === undefined) throw new Error(`the nodes were not ready after ${START_TIMEOUT_MS / 1000} s`);
      return first;
    } finally {
      late.cancel();
    }
  }

  /** Resolves when a node ends, with which and how. */
  nodeEnded(): Promise<string> {
    return Promise.race(this.nodes.map(async (node) => `node ${node.number} (process ${node.pid ?? "?"}) ${await node.ended}`));
  }

  /** Stops all; resolves when no process is left, with whether each ended by itself. `hurry` kills those that still run. */
  async stop(hurry: Promise<void>): Promise<boolean> {
    let killed = false;
    const late = timeout(STOP_TIMEOUT_MS);
    void Promise.race([hurry, late.passed]).then(() => {
      for (const node of this.nodes) {
        killed ||= node.running;
        node.kill();
      }
    });
    for (const node of this.nodes) node.stop();
    await Promise.all(this.nodes.map((node) => node.ended));
    late.cancel();
    return !killed;
  }
}

function timeout(ms: number): { passed: Promise<undefined>; cancel(): void } {
  let timer: NodeJS.Timeout | undefined;
  const passed = new Promise<undefined>((resolve) => (timer = setTimeout(resolve, ms, undefined)));
  return { passed, cancel: () => clearTimeout(timer) };
}
