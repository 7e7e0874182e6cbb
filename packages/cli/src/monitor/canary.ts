// Sessions of the node's own, for the monitor: they roam through the mesh on a few reserved keys, and what they are told is written down as that of any other program. A node cannot be
// believed about itself, so this is a client like others: it asks this node and all the others over their ports.

import { setTimeout as sleep } from "node:timers/promises";
import type { Mesh, SecretSource, Session } from "@causalmesh/core";
import { observed, postLines } from "@causalmesh/monitor";
import { connect, type TlsSource } from "@causalmesh/transport-tcp";
import type { Logger } from "../log.js";

/** Nobody else's keys. */
export const CANARY_NAMESPACE = "causalmesh-canary";
const KEYS = ["yellow", "green", "blue", "red"];
/** The same for all nodes, so that their canaries are judged together. Their keys are no secret. */
const KEY_SECRET = "the keys of canaries are known to everybody";
const PAUSE_MS = 1_000;
const LAST_LINES_MS = 500;
/** Branches of a walk, at different nodes at once: what concurrent writes come to is to be seen, too. */
const BRANCHES = 2;

export interface CanaryOptions {
  /** Of the monitor. */
  readonly url: string;
  /** The address of the node beside which it stands. */
  readonly node: string;
  /** The members of the mesh, as the node knows them. */
  readonly members: () => readonly string[];
  readonly secret: SecretSource | undefined;
  readonly tls: TlsSource | undefined;
  readonly log: Logger;
}

export interface Canary {
  close(): Promise<void>;
}

export async function startCanary({ url, node, members, secret, tls, log }: CanaryOptions): Promise<Canary> {
  let isReached = true;
  const poster = postLines({
    url,
    onError: (error) => {
      // Said once for as long as it lasts.
      if (isReached) log.warn({ err: error }, "the monitor takes no lines");
      isReached = false;
    },
  });
  const connected = await connect({ nodes: [node], secret, tls, namespace: CANARY_NAMESPACE });
  const mesh = observed(connected, { sample: 1, report: poster.report, secret: KEY_SECRET, namespace: CANARY_NAMESPACE });
  const over = new AbortController();
  const walks = (async () => {
    for (let walk = 0; !over.signal.aborted; walk++) {
      // Where a node is away, the next walk goes elsewhere; that it is away is said by others.
      await roam(mesh, members(), walk).catch((error: unknown) => log.debug({ err: error }, "a canary's walk ended early"));
      await sleep(PAUSE_MS, undefined, { signal: over.signal }).catch(() => undefined);
    }
  })();
  return {
    close: async () => {
      over.abort();
      await mesh.close();
      await walks;
      // A node that is told to stop does not wait for a monitor that does not answer.
      await Promise.race([poster.close(), sleep(LAST_LINES_MS, undefined, { ref: false })]);
    },
  };
}

/** Branches that go from member to member with their tokens, each reading everything and writing one key; then one session that has seen all of it. */
async function roam(mesh: Mesh, members: readonly string[], walk: number): Promise<void> {
  const branch = async (number: number): Promise<string> => {
    let token: string | undefined;
    for (let step = 0; step < members.length; step++) {
      const session = mesh.session(token, { node: members[(walk + number + step) % members.length] });
      await readAll(session);
      await session.set(KEYS[(walk + step) % KEYS.length], walk);
      token = await session.token();
    }
    return token ?? (await mesh.session().token());
  };
  const tokens = await Promise.all(Array.from({ length: BRANCHES }, (_, number) => branch(number)));
  await readAll(mesh.session(tokens, { node: members[walk % members.length] }));
}

async function readAll(session: Session): Promise<void> {
  for (const key of KEYS) await session.get(key);
}
