// Measures from outside how long a write takes to be readable at the other nodes: one session writes at a node, and a session at
// each other node reads in a tight loop until it sees the write.

import type { Session } from "@causalmesh/core";
import { connect } from "@causalmesh/transport-tcp";
import { argument, serve } from "../serve.js";

export interface ObserverOptions {
  readonly addresses: readonly string[];
}

const KEY = "observed";

const { addresses } = argument<ObserverOptions>();
const opened = open();
opened.catch(() => undefined);
let sequence = 0;

async function open(): Promise<Session[]> {
  const mesh = await connect({ nodes: addresses, durability: "memory" });
  return addresses.map((node) => mesh.session(undefined, { node }));
}

/** Milliseconds from the call of `set` to the moment when each other node has shown the value. */
async function probe(sessions: readonly Session[], writer: number): Promise<number[]> {
  sequence += 1;
  const start = performance.now();
  const written = sessions[writer].set(KEY, sequence);
  const shown = sessions.filter((_, index) => index !== writer).map((session) => untilShown(session, sequence, start));
  const [delays] = await Promise.all([Promise.all(shown), written]);
  return delays;
}

async function untilShown(session: Session, value: number, start: number): Promise<number> {
  while ((await session.get(KEY)) !== value);
  return performance.now() - start;
}

const commands = {
  /** So many probes, from each node in turn: how long it took until the last of the other nodes showed the write. */
  probe: async (count: number): Promise<number[]> => {
    const sessions = await opened;
    const delays: number[] = [];
    for (let index = 0; index < count; index++) delays.push(Math.max(...(await probe(sessions, index % sessions.length))));
    return delays;
  },
};
export type ObserverProgram = typeof commands;
serve(commands);
