// Secrets: what is one, and how one takes the place of another while a mesh runs.

import { describe, expect, it, onTestFinished } from "vitest";
import { memoryTransport } from "../src/embedded/memory-transport.js";
import { startNode } from "../src/embedded/member.js";
import { SECRETS_MAX } from "../src/limits.js";
import type { SecretSource } from "../src/mesh.js";
import type { Transport } from "../src/transport.js";
import { Secrets } from "../src/wire/secrets.js";
import { cluster, codeOf } from "./support/cluster.js";

const OLD = "the old secret of the tests";
const NEW = "the new secret of the tests";

describe("secrets", () => {
  it("are one to eight strings of sixteen bytes at least, given or returned by a function", async () => {
    const eight = Array.from({ length: SECRETS_MAX }, (_, index) => `${OLD} ${index}`);
    const wrong: unknown[] = ["", "short", 1234567890123456, null, [], [OLD, "short"], [...eight, NEW], {}, Promise.resolve(OLD)];
    for (const source of [...wrong, ...wrong.map((value) => () => value)])
      expect(await codeOf(() => new Secrets(source as SecretSource))).toBe("OPTION_INVALID");
    const failing = (): string => {
      throw new Error("no such file");
    };
    expect(() => new Secrets(failing)).toThrow("no such file");
    expect(new Secrets(undefined).current).toEqual([]);
    for (const source of ["sixteen letters!", "acht Zeichen äöü", eight, () => OLD, () => eight]) expect(new Secrets(source).current.length).toBeGreaterThan(0);
  });

  it("that a function returns are those of now, and stay where it fails, which is told once", () => {
    const warnings: string[] = [];
    let now: () => string | string[] = () => OLD;
    const secrets = new Secrets(
      () => now(),
      (warning) => warnings.push(warning),
    );
    now = () => [NEW, OLD];
    const both = secrets.current;
    expect(both).toEqual([NEW, OLD]);
    expect(secrets.current).toBe(both);
    now = () => "short";
    expect([secrets.current, secrets.current]).toEqual([both, both]);
    now = () => {
      throw new Error("away");
    };
    expect(secrets.current).toBe(both);
    expect(warnings).toEqual([expect.stringContaining("at least 16 bytes"), expect.stringContaining("away")]);
    now = () => NEW;
    expect(secrets.current).toEqual([NEW]);
  });
});

/** Counts the connections that are opened through it, and those that are lost to their openers. */
function counting(transport: Transport): { readonly counted: Transport; opened: number; lost: number } {
  const counts = {
    opened: 0,
    lost: 0,
    counted: {
      listen: (address, accept) => transport.listen(address, accept),
      connect: async (address, open, timeoutMs) => {
        counts.opened += 1;
        const watch: typeof open = (connection) => {
          const events = open(connection);
          return {
            data: (bytes) => events.data(bytes),
            drained: () => events.drained(),
            closed: (error) => {
              counts.lost += 1;
              events.closed(error);
            },
          };
        };
        return await transport.connect(address, watch, timeoutMs);
      },
    } satisfies Transport,
  };
  return counts;
}

describe("a rotation", () => {
  it("changes the secret of a mesh under running sessions: no connection is lost, and every program that goes along is served", async () => {
    const network = counting(memoryTransport());
    // What each program knows, in the order in which an operator changes them: nodes and clients one after another.
    const known: string[][] = [[OLD], [OLD]];
    const nodes = await cluster({ secret: () => known[0], transport: network.counted });
    const mesh = await nodes.connect({ secret: () => known[1] });
    const session = mesh.session();
    await session.set("k", 0);
    const oldToken = await session.token();
    await Promise.all(nodes.addresses.map((node) => mesh.session(undefined, { node }).get("k")));
    const openedBefore = network.opened;

    let step = 0;
    for (const now of [[OLD, NEW], [NEW, OLD], [NEW]]) {
      for (const program of known.keys()) {
        known[program] = now;
        step += 1;
        await session.set("k", step, { durability: "everywhere" });
        expect(await session.get("k")).toBe(step);
        // Whoever starts at this moment, with what either has.
        for (const secret of known) {
          const late = await nodes.connect({ secret });
          expect(await late.session().get("k")).toBe(step);
          await late.close();
        }
        if (now !== known[0] || known[1].includes(OLD)) expect(await mesh.session(oldToken).get("k")).toBe(step);
      }
    }
    expect(network.lost).toBe(0);
    // Those that started late, and nobody else.
    expect(network.opened - openedBefore).toBe(step * 2 * nodes.addresses.length);
    expect(nodes.warnings).toEqual([]);

    expect(await codeOf(nodes.connect({ secret: OLD }))).toBe("UNAUTHENTICATED");
    expect(await codeOf(() => mesh.session(oldToken))).toBe("TOKEN_KEY_UNKNOWN");
    expect(await mesh.session(await session.token()).get("k")).toBe(step);
  });

  it("lets a node join with its secrets in another order, and none whose first secret nobody knows", async () => {
    const nodes = await cluster({ nodes: 1, secret: [OLD, NEW] });
    const join = async (address: string, secret: SecretSource): Promise<void> => {
      const { store, transport } = nodes;
      const node = await startNode({ store, transport, address, secret });
      onTestFinished(() => node.close());
    };
    await join("second", [NEW, OLD]);
    expect(await codeOf(join("third", ["a third secret of the tests", OLD]))).toBe("UNAUTHENTICATED");
    const mesh = await nodes.connect({ secret: OLD, nodes: ["second"] });
    expect((await mesh.status()).members.length).toBe(2);
  });
});
