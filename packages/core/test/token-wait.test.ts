// Handing on a session whose own writes are in flight: small ones ride in the token, with large ones it waits.

import { describe, expect, it } from "vitest";
import { memoryTransport } from "../src/embedded/memory-transport.js";
import { inspectToken } from "../src/client/token.js";
import { TOKEN_OWN_BYTES_AIM } from "../src/limits.js";
import { cluster, codeOf } from "./support/cluster.js";
import { CutTransport } from "./support/cut-transport.js";

const MEMORY = { durability: "memory" } as const;
const LARGE = "x".repeat(TOKEN_OWN_BYTES_AIM + 1);

/** Three nodes whose ring can be held up, and a session at the first one. */
async function setUp() {
  const inner = memoryTransport();
  const ring = new CutTransport(inner);
  const { connect } = await cluster({ transport: ring });
  const mesh = await connect({ nodes: ["n1"], transport: inner });
  const session = mesh.session(undefined, { node: "n1" });
  await session.set("before", 1, { durability: "everywhere" });
  const holdUp = (): void => ring.tapped.forEach((link) => link.holdBack());
  const release = (): void => ring.tapped.forEach((link) => link.release());
  return { mesh, session, holdUp, release };
}

describe("a token", () => {
  it("takes small own writes along, and waits for nothing", async () => {
    const { session, holdUp } = await setUp();
    holdUp();
    await session.set("k", "x".repeat(1_000), MEMORY);
    const token = await session.token();
    expect(inspectToken(token).own).toHaveLength(1);
    expect(session.waitedMs).toBe(0);
  });

  it("waits with large ones until they can be read everywhere, says how long, and takes none along", async () => {
    const { session, holdUp, release } = await setUp();
    holdUp();
    await session.set("k", LARGE, MEMORY);
    const begin = performance.now();
    const packing = session.token();
    setTimeout(() => release(), 60);
    expect(inspectToken(await packing).own).toEqual([]);
    expect(session.waitedMs).toBeGreaterThanOrEqual(55);
    expect(session.waitedMs).toBeLessThanOrEqual(performance.now() - begin + 1);
    await session.token();
    expect(session.waitedMs, "the next one need not wait").toBe(0);
  });

  it("takes them along after all when the time is over, or says that they do not fit", async () => {
    const { mesh, session, holdUp } = await setUp();
    holdUp();
    await session.set("k", LARGE, MEMORY);
    const token = await session.token({ timeoutMs: 40 });
    expect(inspectToken(token).own).toHaveLength(1);
    expect(session.waitedMs).toBeGreaterThanOrEqual(40);
    expect(await mesh.session(token, { node: "n1" }).get("k")).toBe(LARGE);
    await session.set("huge", "x".repeat(70_000), MEMORY);
    expect(await codeOf(session.token({ timeoutMs: 20 }))).toBe("TOKEN_TOO_LARGE");
    expect(await codeOf(session.token({ signal: AbortSignal.abort() }))).toBe("ABORTED");
  });

  it("does not wait where no node answers", async () => {
    const { mesh, session, holdUp } = await setUp();
    holdUp();
    await session.set("k", LARGE, MEMORY);
    await mesh.close();
    expect(inspectToken(await session.token()).own).toHaveLength(1);
  });
});
