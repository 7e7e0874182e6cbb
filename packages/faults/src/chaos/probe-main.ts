// A program that measures: at each node one session reads and one writes, at default settings, and how long each call took is written down.

import { setTimeout as sleep } from "node:timers/promises";
import type { Mesh, MeshError } from "@causalmesh/core";
import { connect } from "@causalmesh/transport-tcp";
import { monotonicMs } from "../recording.js";
import type { FailedCall } from "../workflow.js";
import { serve } from "./program.js";

export interface ProbeOrder {
  /** Those that may be nodes at some time, and those that are to be looked at now. */
  readonly addresses: readonly string[];
  readonly nodes: readonly string[];
}

export interface Probe {
  /** The node at which the session began. */
  readonly node: string;
  readonly call: "read" | "write";
  /** Milliseconds of the machine's monotonic clock. */
  readonly atMs: number;
  readonly tookMs: number;
  /** Why it failed; undefined where it was answered. */
  readonly failed: FailedCall | undefined;
}

const PAUSE_MS = 20;

let mesh: Mesh | undefined;
let probes: Probe[] = [];
let running: Promise<unknown>;
let isStopped = false;

serve<ProbeOrder, readonly Probe[]>({
  begin: async ({ addresses, nodes }) => {
    mesh ??= await connect({ nodes: addresses });
    probes = [];
    isStopped = false;
    running = Promise.all(nodes.flatMap((node) => [probeAt(node, "read"), probeAt(node, "write")]));
  },
  stop: async () => {
    isStopped = true;
    await running;
    return probes;
  },
});

async function probeAt(node: string, call: Probe["call"]): Promise<void> {
  const session = mesh!.session(undefined, { node });
  const key = `probe ${node}`;
  for (let count = 0; !isStopped; count++) {
    const atMs = monotonicMs();
    const error = await (call === "read" ? session.get(key) : session.set(key, count)).then(
      () => undefined,
      (reason: MeshError) => reason,
    );
    const failed = error && { code: error.code ?? error.name, node: session.node, message: error.message };
    probes.push({ node, call, atMs, tookMs: monotonicMs() - atMs, failed });
    await sleep(PAUSE_MS);
  }
}
