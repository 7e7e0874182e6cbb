// Claims about counters and sets: concurrent changes all count.

import { assertEqual, assertRejects } from "./case.js";
import type { SessionClaim } from "./session-suite.js";

const MEMORY = { durability: "memory" } as const;
const BRANCHES = 5;

export const MERGING_CLAIMS: readonly SessionClaim[] = [
  {
    name: "merging: what parallel branches add to a counter all counts, and each sees its own at once",
    check: async (mesh, key) => {
      const root = mesh.session();
      assertEqual(await root.count(key("visits")), 0, "before anything was added");
      await root.increment(key("visits"));
      const token = await root.token();
      const tokens = await Promise.all(
        Array.from({ length: BRANCHES }, async (_, branch) => {
          const session = mesh.session(token);
          await session.increment(key("visits"), branch + 1, MEMORY);
          assertEqual((await session.count(key("visits"))) >= branch + 2, true, "own addition");
          await session.increment(key("visits"), -1, MEMORY);
          return await session.token();
        }),
      );
      assertEqual(await mesh.session(tokens).count(key("visits")), 1 + 15 - BRANCHES, "after the join");
    },
  },
  {
    name: "merging: a set has what was added and not taken out by who saw it",
    check: async (mesh, key) => {
      const root = mesh.session();
      assertEqual(await root.members(key("tags")), [], "before anything was added");
      await root.addMembers(key("tags"), ["b", "a", "b"], MEMORY);
      assertEqual(await root.members(key("tags")), ["a", "b"], "in order, each once");
      const token = await root.token();
      const branches = [mesh.session(token), mesh.session(token)];
      await branches[0].removeMembers(key("tags"), ["a", "never there"], MEMORY);
      await branches[1].addMembers(key("tags"), ["c"], MEMORY);
      const joined = mesh.session(await Promise.all(branches.map((branch) => branch.token())));
      assertEqual(await joined.members(key("tags")), ["b", "c"], "after the join");
      await joined.addMembers(key("tags"), ["a"], MEMORY);
      assertEqual(await joined.members(key("tags")), ["a", "b", "c"], "added again");
      await joined.addMembers(key("tags"), []);
      await joined.removeMembers(key("tags"), []);
    },
  },
  {
    name: "merging: counters and sets have their keys for themselves, and are calls of the ambient session too",
    check: async (mesh, key) => {
      await mesh.run(async () => {
        await mesh.set(key("k"), "value");
        await mesh.increment(key("k"), 2);
        await mesh.addMembers(key("k"), ["m", "n"]);
        await mesh.removeMembers(key("k"), ["n"]);
        assertEqual([await mesh.get(key("k")), await mesh.count(key("k")), await mesh.members(key("k"))], ["value", 2, ["m"]], "of one key");
      });
    },
  },
  {
    name: "merging: what is no whole number or no text is refused, and changes nothing",
    check: async (mesh, key) => {
      const session = mesh.session();
      for (const by of [0.5, NaN, Infinity]) await assertRejects(session.increment(key("k"), by), ["VALUE_INVALID"], `increment by ${by}`);
      for (const members of [[""], [1], "a"])
        await assertRejects(session.addMembers(key("k"), members as string[]), ["VALUE_INVALID"], `members ${JSON.stringify(members)}`);
      await assertRejects(session.increment("", 1), ["KEY_INVALID"], "no key");
      assertEqual([await session.count(key("k")), await session.members(key("k"))], [0, []], "nothing");
    },
  },
];
