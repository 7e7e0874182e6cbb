// Claims about the ambient session: `run`, branches, and the mistakes that are refused.

import { inspectToken, type Mesh, type Session } from "@causalmesh/core";
import { assert, assertEqual, assertRejects } from "./case.js";
import type { SessionClaim } from "./session-suite.js";

const MEMORY = { durability: "memory" } as const;
/**
 * What no session carries may be there by luck: so often it would be noticed. Each round has keys of its own, since a write of another session
 * that this one does not follow may win.
 */
const ROUNDS = 20;

async function rounds(key: (name: string) => string, check: (round: number, key: (name: string) => string) => Promise<void>): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) await check(round, (name) => key(`round ${round}, ${name}`));
}

/** What the next function reads, at any node, with nothing but the token. */
async function next(mesh: Mesh, token: string, keys: readonly string[]): Promise<unknown[]> {
  return await mesh.run(token, () => mesh.getMany(keys));
}

/** Whether whoever goes on from the token has the write in its past, however fast the mesh is: it has seen it, or it rides in the token. */
function assertCovers(token: string, version: string | undefined): void {
  const [replica, counter] = version!.split(":");
  const { visible, own } = inspectToken(token);
  assert((visible[replica] ?? 0) >= Number(counter) || own.some(({ write }) => write === version), `the token does not cover ${version}`);
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

export const AMBIENT_CLAIMS: readonly SessionClaim[] = [
  {
    name: "run: the calls of the mesh are those of the session, which goes on from a token",
    check: async (mesh, all) => {
      await rounds(all, async (round, key) => {
        const token = await mesh.run(async () => {
          await mesh.set(key("k"), round, MEMORY);
          await sleep(0);
          await mesh.setMany([[key("many"), round]], MEMORY);
          await mesh.set(key("gone"), round, MEMORY);
          await mesh.delete(key("gone"), MEMORY);
          return await mesh.token();
        });
        assertEqual(await next(mesh, token, ["k", "many", "gone"].map(key)), [round, round, undefined], "in the next function");
      });
      const seen = await mesh.run(async () => [
        await mesh.getOrSet(all("made"), () => 5),
        await mesh.get(all("made")),
        await mesh.has(all("made")),
        (await mesh.getEntry(all("made"))).value,
      ]);
      assertEqual(seen, [5, 5, true, 5], "calls of the mesh");
      await mesh.run(async () => {
        await mesh.deleteMany([all("made")]);
        await mesh.invalidate(all("k"));
        assertEqual(await mesh.getMany(["made", "k"].map(all)), [undefined, undefined], "after deletion");
      });
    },
  },
  {
    name: "run: hands on what its function returns or throws, and refuses a wrong token",
    check: async (mesh) => {
      assertEqual(await mesh.run(() => 5), 5, "a value");
      assertEqual(await mesh.run(undefined, async () => 6), 6, "a promise's value");
      const failure = await mesh.run(() => Promise.reject(new Error("the function's own"))).catch((error: Error) => error.message);
      assertEqual(failure, "the function's own", "an error");
      await assertRejects(
        mesh.run("no token", () => mesh.get("k")),
        ["TOKEN_MALFORMED"],
        "a wrong token",
      );
      await assertRejects(mesh.run("token" as never), ["OPTION_INVALID"], "no function");
    },
  },
  {
    name: "run: two at a time have a session each",
    check: async (mesh, key) => {
      const workflow = async (name: string): Promise<void> => {
        const scope = mesh.scope();
        await mesh.set(key(name), name, MEMORY);
        await sleep(2);
        assertEqual(await mesh.get(key(name)), name, "its own write");
        assert(mesh.scope() === scope, "the session is the same before and after a pause");
      };
      await Promise.all(["left", "right"].map((name) => mesh.run(() => workflow(name))));
    },
  },
  {
    name: "run: within another one it is a part of that one's work, also where it fails",
    check: async (mesh, all) => {
      await rounds(all, async (round, key) => {
        const before = await mesh.run(async () => {
          await mesh.set(key("before"), round, MEMORY);
          return await mesh.token();
        });
        const token = await mesh.run(async () => {
          await mesh.set(key("outer"), round, MEMORY);
          const inner = mesh.run(before, async () => {
            assertEqual(await mesh.getMany(["before", "outer"].map(key)), [round, round], "within");
            await mesh.set(key("inner"), round, MEMORY);
            throw new Error("after all that");
          });
          await inner.catch(() => {});
          return await mesh.token();
        });
        assertEqual(await next(mesh, token, ["before", "outer", "inner"].map(key)), [round, round, round], "afterwards");
      });
    },
  },
  {
    name: "all: branches go on from the ambient session, which has joined them afterwards",
    check: async (mesh, all) => {
      await rounds(all, async (round, key) => {
        const token = await mesh.run(async () => {
          await mesh.set(key("root"), round, MEMORY);
          const branch = async (name: string): Promise<string> => {
            assertEqual(await mesh.get(key("root")), round, "a branch's past");
            await mesh.set(key(name), round, MEMORY);
            return `${name} ${(await mesh.getEntry(key(name))).version}`;
          };
          const [left, right] = await mesh.all([() => branch("left"), () => branch("right")]);
          const joined = await mesh.token();
          for (const [name, made] of Object.entries({ left, right })) {
            assert(made.startsWith(name), "what all resolves with, in its order");
            assertCovers(joined, made.split(" ")[1]);
          }
          assertEqual(await mesh.getMany(["left", "right"].map(key)), [round, round], "after the join");
          return await mesh.token();
        });
        assertEqual(await next(mesh, token, ["root", "left", "right"].map(key)), [round, round, round], "in the next function");
      });
    },
  },
  {
    name: "all: where a branch rejects, the others are waited for and all are joined",
    check: async (mesh, all) => {
      await rounds(all, async (round, key) => {
        const token = await mesh.run(async () => {
          const failing = async (): Promise<void> => {
            await mesh.set(key("failed"), round, MEMORY);
            throw new Error("a branch's own");
          };
          let version: string | undefined;
          const slow = async (): Promise<void> => {
            await sleep(2);
            await mesh.set(key("slow"), round, MEMORY);
            version = (await mesh.getEntry(key("slow"))).version;
          };
          assertEqual(await mesh.all([failing, slow]).catch((error: Error) => error.message), "a branch's own", "the error");
          const token = await mesh.token();
          assertCovers(token, version);
          return token;
        });
        assertEqual(await next(mesh, token, ["failed", "slow"].map(key)), [round, round], "what both did");
      });
      await assertRejects(
        mesh.run(() => mesh.all([mesh.get(all("k")) as never])),
        ["OPTION_INVALID"],
        "a promise instead of a function",
      );
    },
  },
  {
    name: "fork: runs work that goes on after the function has ended",
    check: async (mesh, key) => {
      let later: Promise<unknown> | undefined;
      await mesh.run(async () => {
        await mesh.set(key("k"), 1, MEMORY);
        later = mesh.fork(async () => {
          await sleep(2);
          await mesh.set(key("later"), 2, MEMORY);
          return await mesh.getMany(["k", "later"].map(key));
        });
      });
      assertEqual(await later, [1, 2], "in the fork");
    },
  },
  {
    name: "getOrSet: its factory may use the mesh, and whoever reads the value follows what the factory has seen",
    check: async (mesh, all) => {
      await rounds(all, async (round, key) => {
        const token = await mesh.run(async () => {
          const make = async (): Promise<number> => {
            await mesh.set(key(`cause ${round}`), round, MEMORY);
            return round;
          };
          await mesh.getOrSet(key(`made ${round}`), make, MEMORY);
          return await mesh.token();
        });
        assertEqual(await next(mesh, token, [`cause ${round}`, `made ${round}`].map(key)), [round, round], "the value and its cause");
      });
    },
  },
  {
    name: "mistakes: a call without an ambient session is refused",
    check: async (mesh, key) => {
      const calls: Promise<unknown>[] = [
        mesh.get(key("k")),
        mesh.getEntry(key("k")),
        mesh.has(key("k")),
        mesh.getMany([key("k")]),
        mesh.set(key("k"), 1),
        mesh.delete(key("k")),
        mesh.invalidate(key("k")),
        mesh.setMany([[key("k"), 1]]),
        mesh.deleteMany([key("k")]),
        mesh.getOrSet(key("k"), () => 1),
        mesh.token(),
        mesh.all([() => 1]),
        mesh.fork(() => 1),
      ];
      for (const [index, call] of calls.entries()) await assertRejects(call, ["NO_SESSION"], `call ${index}`);
      assertEqual(mesh.scope(), undefined, "no scope");
    },
  },
  {
    name: "mistakes: two branches in one session without a fork are refused",
    check: async (mesh, key) => {
      const branch = async (name: string): Promise<void> => {
        await mesh.set(key(name), 1);
        await mesh.get(key(name));
      };
      const ends = await mesh.run(() => Promise.allSettled([branch("left"), branch("right")]));
      assertEqual(
        ends.map((end) => (end.status === "rejected" ? (end.reason as { code: string }).code : "fine")),
        ["fine", "SESSION_BUSY"],
        "how they ended",
      );
      await assertRejects(
        mesh.run(async () => {
          const all = mesh.all([() => sleep(5)]);
          await mesh.get(key("k")).finally(() => all);
        }),
        ["SESSION_BUSY"],
        "a call beside branches",
      );
    },
  },
  {
    name: "mistakes: a call that nobody waits for, and work after the function's end, are refused",
    check: async (mesh, key) => {
      let floating: Promise<void> | undefined;
      const ended = mesh.run(() => {
        floating = mesh.set(key("k"), 1);
      });
      await assertRejects(ended, ["SESSION_BUSY"], "the function's end");
      await floating;
      let late: Promise<void> | undefined;
      await mesh.run(() => {
        late = sleep(2).then(() => mesh.set(key("late"), 1));
      });
      await assertRejects(late!, ["NO_SESSION"], "a call after the end");
      assertEqual(await mesh.session().get(key("late")), undefined, "it was not made");
    },
  },
  {
    name: "mistakes: the token of a session in hand is refused while a write is under way, and given again after it",
    check: async (mesh, key) => {
      const session = mesh.session();
      const writes = [session.set(key("a"), 1), session.setMany([[key("b"), 1]]), session.delete(key("c"))];
      await assertRejects(session.token(), ["SESSION_BUSY"], "the token beside writes");
      await Promise.all(writes);
      await session.set(key("a"), () => 1).catch(() => {});
      await session.set(key("a"), 1, { signal: AbortSignal.abort() }).catch(() => {});
      const reading = session.get(key("a"));
      assertEqual(await mesh.session(await session.token()).getMany(["a", "b"].map(key)), [1, 1], "by the token, after writes and failures");
      await reading;
    },
  },
  {
    name: "begin: a scope for integrations, whose token is taken after its end",
    check: async (mesh, all) => {
      await rounds(all, async (round, key) => {
        const called = await mesh.run(async () => {
          await mesh.set(key("called"), round, MEMORY);
          return await mesh.token();
        });
        const scope = mesh.begin();
        await scope.run(async () => {
          assert(mesh.scope() === scope, "the scope in which it runs");
          await mesh.set(key("k"), round, MEMORY);
          mesh.scope()!.join(called);
          assertEqual(await mesh.get(key("called")), round, "what came back with an answer");
        });
        assertEqual(await next(mesh, await scope.token(), [key("k")]), [round], "for a function that is called");
        assertEqual(await next(mesh, await scope.end(), ["k", "called"].map(key)), [round, round], "in the next function");
        await assertRejects(scope.end(), ["NO_SESSION"], "a second end");
        await assertRejects(
          scope.run(() => mesh.get(key("k"))),
          ["NO_SESSION"],
          "a call after the end",
        );
      });
    },
  },
  {
    name: "run: with root, it begins apart from the session around it",
    check: async (mesh, key) => {
      await mesh.run(async () => {
        const around = mesh.scope();
        await mesh.run(
          async () => {
            assert(mesh.scope() !== around, "another scope");
            await mesh.set(key("k"), 1);
          },
          { root: true },
        );
        // It is no part of this session's work, so both may go on at once.
        const beside = mesh.run(() => sleep(2), { root: true });
        await mesh.get(key("k"));
        await beside;
      });
    },
  },
  {
    name: "join: a session takes over what another one, or a token, has seen",
    check: async (mesh, all) => {
      await rounds(all, async (round, key) => {
        const [fork, other, session]: Session[] = [mesh.session(), mesh.session(), mesh.session()];
        await fork.set(key("fork"), round, MEMORY);
        await other.set(key("other"), round, MEMORY);
        session.join(fork);
        session.join(await other.token());
        assertEqual(await session.getMany(["fork", "other"].map(key)), [round, round], "in the session");
        assertEqual(await next(mesh, await session.token(), ["fork", "other"].map(key)), [round, round], "by its token");
      });
      await assertRejects((async () => mesh.session().join({} as never))(), ["OPTION_INVALID"], "what is no session");
      await assertRejects((async () => mesh.session().join("no token"))(), ["TOKEN_MALFORMED"], "what is no token");
    },
  },
];
