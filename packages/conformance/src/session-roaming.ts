// Claims about sessions: how they go on, fork, join and end.

import type { Mesh } from "@causalmesh/core";
import { assert, assertEqual, assertRejects } from "./case.js";
import type { SessionClaim } from "./session-suite.js";

const MEMORY = { durability: "memory" } as const;

/** A call in the session of a token, whose refusal may come at once or with the call. */
async function use(mesh: Mesh, token: string | readonly string[]): Promise<unknown> {
  return await mesh.session(token).get("anything");
}

export const ROAMING_CLAIMS: readonly SessionClaim[] = [
  {
    name: "roaming: a token carries what the session has written",
    check: async (mesh, key) => {
      for (let round = 0; round < 30; round++) {
        const session = mesh.session();
        await session.set(key("k"), round, MEMORY);
        const token = await session.token();
        assert(/^[\w-]+$/.test(token), "a token is header-safe");
        for (let reader = 0; reader < 3; reader++) assertEqual(await mesh.session(token).get(key("k")), round, "read with the token");
      }
    },
  },
  {
    name: "roaming: a token may be used twice, and joined tokens have seen what each has",
    check: async (mesh, key) => {
      const first = mesh.session();
      await first.set(key("root"), "r", MEMORY);
      const token = await first.token();
      const [left, right] = [mesh.session(token), mesh.session(token)];
      await left.set(key("left"), "l", MEMORY);
      await right.set(key("right"), "r", MEMORY);
      const joined = mesh.session([await left.token(), await right.token()]);
      assertEqual(await joined.getMany(["root", "left", "right"].map(key)), ["r", "l", "r"], "after the join");
      const again = mesh.session(await mesh.session([await left.token(), await right.token()]).token());
      assertEqual(await again.getMany(["left", "right"].map(key)), ["l", "r"], "by the joined session's token");
    },
  },
  {
    name: "roaming: a fork goes on from where it was made, apart from its origin",
    check: async (mesh, key) => {
      const session = mesh.session();
      await session.set(key("k"), 1, MEMORY);
      const fork = session.fork();
      await fork.set(key("k"), 2, MEMORY);
      assertEqual(await fork.get(key("k")), 2, "the fork's own write");
      const other = session.fork();
      await other.set(key("other"), 3, MEMORY);
      assertEqual(await mesh.session([await fork.token(), await other.token()]).getMany([key("k"), key("other")]), [2, 3], "both forks");
    },
  },
  {
    name: "roaming: calls of one session at a time lose nothing of it",
    check: async (mesh, key) => {
      const session = mesh.session();
      const names = Array.from({ length: 20 }, (_, index) => key(`parallel ${index}`));
      await Promise.all(names.map((name, index) => session.set(name, index, MEMORY)));
      const expected = names.map((_, index) => index);
      assertEqual(await mesh.session(await session.token()).getMany(names), expected, "all writes, by the token");
      assertEqual(await session.getMany(names), expected, "all writes, in the session");
    },
  },
  {
    name: "roaming: what is no token of this mesh is refused",
    check: async (mesh) => {
      const token = await mesh.session().token();
      for (const wrong of ["", "no token", "AAAA", token.slice(0, -1), 5 as never])
        await assertRejects(use(mesh, wrong), ["TOKEN_MALFORMED", "TOKEN_VERSION", "TOKEN_SIGNATURE"], String(wrong));
      const changed = token.slice(0, -4) + (token.endsWith("AAAA") ? "BBBB" : "AAAA");
      await assertRejects(use(mesh, changed), ["TOKEN_SIGNATURE"], "a token that was changed");
      await assertRejects(use(mesh, [token, changed]), ["TOKEN_SIGNATURE"], "a changed token among others");
    },
  },
  {
    name: "roaming: namespaces are apart",
    check: async (mesh, key) => {
      const [blue, red] = ["blue", "red"].map((namespace) => mesh.session(undefined, { namespace }));
      await blue.set(key("k"), "blue");
      await red.set(key("k"), "red");
      assertEqual([await blue.get(key("k")), await red.get(key("k"))], ["blue", "red"], "the same key in two namespaces");
      await red.delete(key("k"));
      assertEqual(await mesh.session(await red.token(), { namespace: "blue" }).get(key("k")), "blue", "after the other was deleted");
      await assertRejects((async () => await mesh.session(undefined, { namespace: "no spaces" }).get("k"))(), ["OPTION_INVALID"], "a namespace with a space");
    },
  },
  {
    name: "getOrSet: runs one factory for concurrent calls, and hands its failure on",
    check: async (mesh, key) => {
      let runs = 0;
      const make = async (): Promise<string> => {
        runs += 1;
        await new Promise((resolve) => setTimeout(resolve, 30));
        return "made";
      };
      const sessions = Array.from({ length: 5 }, () => mesh.session());
      assertEqual(await Promise.all(sessions.map((session) => session.getOrSet(key("k"), make))), Array(5).fill("made"), "what each got");
      assertEqual(runs, 1, "runs of the factory");
      assertEqual(await Promise.all(sessions.map((session) => session.get(key("k")))), Array(5).fill("made"), "what each reads then");
      const failing = sessions[0].getOrSet(key("failing"), () => Promise.reject(new Error("the factory's own")));
      assertEqual(await failing.catch((error: Error) => error.message), "the factory's own", "the failure");
      assertEqual(await sessions[0].get(key("failing")), undefined, "nothing was set");
    },
  },
  {
    name: "calls: are given up by their signal and their time, and refuse a time that is none",
    check: async (mesh, key) => {
      const session = mesh.session();
      await assertRejects(session.getEntry(key("k"), { signal: AbortSignal.abort() }), ["ABORTED"], "a signal that has fired");
      await assertRejects(session.getEntry(key("k"), { timeoutMs: -1 }), ["OPTION_INVALID"], "a negative time");
      assertEqual(await session.get(key("k")), undefined, "the session goes on");
    },
  },
  {
    name: "closing: a closed mesh ends its calls, and takes none",
    check: async (mesh, key) => {
      const session = mesh.session();
      await session.set(key("k"), 1);
      await mesh.ready();
      await mesh.close();
      await mesh.close();
      await assertRejects(session.set(key("k"), 2), ["CLOSED"], "a write");
      await assertRejects(session.getMany([key("k")]), ["CLOSED"], "a read");
      await assertRejects((async () => await mesh.session().get(key("k")))(), ["CLOSED"], "a new session");
    },
  },
];
