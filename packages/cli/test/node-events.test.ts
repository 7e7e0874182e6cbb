// What the log of a node says of what happens to it.

import { MeshError, type NodeEvent } from "@causalmesh/core";
import { pino } from "pino";
import { describe, expect, it } from "vitest";
import { nodeEvents } from "../src/node-events.js";

const A = { replica: 1, address: "a:1", share: 0 };
const B = { replica: 2, address: "b:1", share: 1 };

function logged(...events: NodeEvent[]): Record<string, unknown>[] {
  const lines: Record<string, unknown>[] = [];
  const log = pino({ level: "info", base: null, timestamp: false }, { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) });
  for (const event of events) nodeEvents(log)(event);
  return lines;
}

describe("the log", () => {
  it("says who comes and who goes, and nothing of a view in which nobody does", () => {
    expect(
      logged(
        { type: "view", epoch: 2, members: [A, B], joined: [B], left: [] },
        { type: "view", epoch: 3, members: [A, B], joined: [], left: [] },
        { type: "view", epoch: 4, members: [A], joined: [], left: [B] },
      ),
    ).toEqual([
      { level: 30, epoch: 2, members: ["a:1 (1)", "b:1 (2)"], joined: ["b:1 (2)"], left: [], msg: "the mesh has changed" },
      { level: 30, epoch: 4, members: ["a:1 (1)"], joined: [], left: ["b:1 (2)"], msg: "the mesh has changed" },
    ]);
  });

  it("says that the store fails, with why and what goes on, and that it is back", () => {
    const error = new MeshError("STORE_UNAVAILABLE", "postgres at db:5432 refused the connection");
    const [failing, back] = logged({ type: "store-failing", what: "flush", error }, { type: "store-recovered", afterMs: 3_400 });
    expect(failing).toMatchObject({ level: 50, call: "flush", err: { message: error.message, code: "STORE_UNAVAILABLE" } });
    expect(failing.msg).toMatch(/tried again/);
    expect(back).toEqual({ level: 30, afterMs: 3_400, msg: "the store is back" });
  });
});
