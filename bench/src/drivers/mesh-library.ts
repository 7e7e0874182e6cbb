// The driver that goes through our SDK.

import { connect } from "@causalmesh/transport-tcp";
import { HOT_ENTRIES, jsonTextAt, keyAt, list } from "../workload.js";
import { expectValue, LoopDriver } from "./loops.js";

/** Keys are made beforehand: no driver pays for making them. */
const KEYS = list(HOT_ENTRIES, keyAt);
/** As many as the deepest load has branches, and more than fill a server. */
const SESSIONS = 256;

/** Our SDK over one connection. Each branch has a session of its own, as concurrent workflows have. */
export async function meshDriver(port: number): Promise<LoopDriver> {
  const mesh = await connect({ nodes: [`127.0.0.1:${port}`], durability: "memory" });
  const sessions = list(SESSIONS, () => mesh.session());
  const values = list(HOT_ENTRIES, jsonTextAt);
  await mesh.session().set(KEYS[0], values[0]);
  expectValue(await mesh.session().get(KEYS[0]), values[0]);
  return new LoopDriver({
    get: (index, loop) => sessions[loop].get(KEYS[index]),
    set: (index, loop) => sessions[loop].set(KEYS[index], values[index]),
  });
}
