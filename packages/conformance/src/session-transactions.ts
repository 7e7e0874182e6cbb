// Claims about transactions: one snapshot, one write, one commit, and what cannot be.

import type { Mesh, Transaction } from "@causalmesh/core";
import { assert, assertEqual, assertRejects } from "./case.js";
import type { SessionClaim } from "./session-suite.js";

const EVERYWHERE = { durability: "everywhere" } as const;

/** The code with which it is refused, at once or with its first call. */
async function refused(call: () => unknown, codes: readonly string[], what: string): Promise<void> {
  await assertRejects((async () => await call())(), codes, what);
}

/** A transaction that has read what was `old` of a key, which is `new` since then, as others are. */
async function overtaken(mesh: Mesh, key: (name: string) => string): Promise<Transaction> {
  const session = mesh.session();
  const names = ["a", "b", "c"].map(key);
  await session.setMany(
    names.map((name) => [name, "old"] as const),
    EVERYWHERE,
  );
  // A node that has them in its cache keeps what they were.
  assertEqual(await session.getMany(names), ["old", "old", "old"], "what was written");
  const transaction = session.begin();
  assertEqual(await transaction.get(names[0]), "old", "the first read");
  await mesh.session().setMany(
    names.map((name) => [name, "new"] as const),
    EVERYWHERE,
  );
  return transaction;
}

export const TRANSACTION_CLAIMS: readonly SessionClaim[] = [
  {
    name: "transactions: read one snapshot, wherever they go on",
    check: async (mesh, key) => {
      const transaction = await overtaken(mesh, key);
      assertEqual(await transaction.getMany([key("b"), key("a"), key("never")]), ["old", "old", undefined], "later reads");
      for (let reader = 0; reader < 3; reader++) {
        const elsewhere = mesh.transaction(await transaction.token());
        assertEqual(await elsewhere.getMany([key("a"), key("c")]), ["old", "old"], "reads with the token");
        elsewhere.rollback();
      }
      transaction.rollback();
      assertEqual(await transaction.session.getMany(["a", "b", "c"].map(key)), ["new", "new", "new"], "the session after it");
    },
  },
  {
    name: "transactions: see what they have written, and nobody else does before the commit",
    check: async (mesh, key) => {
      const session = mesh.session();
      await session.setMany([
        [key("kept"), 1],
        [key("deleted"), 1],
      ]);
      const transaction = session.begin();
      const at = new Date(5);
      await transaction.setMany([
        [key("set"), { at }],
        [key("kept"), 2],
      ]);
      await transaction.delete(key("deleted"));
      assertEqual(await transaction.getMany(["kept", "deleted"].map(key)), [2, undefined], "its own writes");
      assertEqual((await transaction.get<{ at: Date }>(key("set")))?.at.getTime(), 5, "a value as it went in");
      const token = await transaction.token();
      assertEqual(await mesh.transaction(token).getMany(["kept", "deleted"].map(key)), [2, undefined], "its own writes with the token");
      assertEqual(await session.fork().getMany(["kept", "deleted", "set"].map(key)), [1, 1, undefined], "what others see");
      const { version } = await transaction.commit(EVERYWHERE);
      assert(/^\d+:\d+$/.test(version ?? ""), "a commit names its write");
      assertEqual(await session.getMany(["kept", "deleted"].map(key)), [2, undefined], "the session after the commit");
      assertEqual((await session.getEntry(key("set"))).version, version, "the one write of all");
      assertEqual((await session.getEntry(key("kept"))).version, version, "the one write of all");
    },
  },
  {
    name: "transactions: are committed with what the work did, or with nothing of it",
    check: async (mesh, key) => {
      const session = mesh.session();
      const work = async (transaction: Transaction): Promise<number> => {
        const next = ((await transaction.get<number>(key("n"))) ?? 0) + 1;
        await transaction.set(key("n"), next);
        return next;
      };
      for (const expected of [1, 2, 3]) assertEqual(await session.transaction(work), expected, "what the work returned");
      const failing = session.transaction(async (transaction) => {
        await work(transaction);
        throw new Error("the work's own");
      });
      assertEqual(await failing.catch((error: Error) => error.message), "the work's own", "the failure");
      assertEqual(await session.get(key("n")), 3, "what is there then");
      assertEqual(await session.transaction((transaction) => transaction.get(key("n"))), 3, "a transaction that writes nothing");
    },
  },
  {
    name: "transactions: a token that is used several times commits once",
    check: async (mesh, key) => {
      const session = mesh.session();
      const transaction = session.begin();
      await transaction.set(key("k"), "first");
      const token = await transaction.token();
      const { version } = await transaction.commit(EVERYWHERE);
      for (let use = 0; use < 3; use++) {
        const again = mesh.transaction(token);
        await again.set(key("k"), `use ${use}`);
        assertEqual(await again.commit(EVERYWHERE), { version }, "a repeated commit");
        assertEqual(await again.session.get(key("k")), "first", "what its session sees");
      }
    },
  },
  {
    name: "transactions: keep their time to live for the commit",
    check: async (mesh, key) => {
      const session = mesh.session();
      await session.transaction(async (transaction) => {
        await transaction.set(key("short"), 1, { ttl: 250 });
        await transaction.set(key("long"), 1, { ttl: "1h" });
      });
      assertEqual(await session.getMany(["short", "long"].map(key)), [1, 1], "before");
      await new Promise((resolve) => setTimeout(resolve, 600));
      assertEqual(await session.getMany(["short", "long"].map(key)), [undefined, 1], "after");
    },
  },
  {
    name: "transactions: one at a time, nothing beside them, nothing after their end",
    check: async (mesh, key) => {
      const session = mesh.session();
      const transaction = session.begin();
      await transaction.set(key("k"), 1);
      await refused(() => session.begin(), ["TRANSACTION_OPEN"], "another one");
      await refused(() => session.transaction(async () => undefined), ["TRANSACTION_OPEN"], "one within another");
      await refused(() => session.set(key("k"), 2), ["TRANSACTION_OPEN"], "a write of the session beside it");
      await refused(() => session.token(), ["TRANSACTION_OPEN"], "the session's token");
      const token = await transaction.token();
      await refused(() => mesh.session(token).get(key("k")), ["TRANSACTION_OPEN"], "its token as a session's");
      transaction.rollback();
      assertEqual(transaction.isOpen, false, "after a rollback");
      await refused(() => transaction.get(key("k")), ["TRANSACTION_ENDED"], "a read after the end");
      await refused(() => transaction.set(key("k"), 1), ["TRANSACTION_ENDED"], "a write after the end");
      await refused(() => transaction.commit(), ["TRANSACTION_ENDED"], "a commit after the end");
      assertEqual(await session.get(key("k")), undefined, "nothing was written");
      const sessionToken = await session.token();
      await refused(() => mesh.transaction(sessionToken).get(key("k")), ["TOKEN_MALFORMED"], "a session's token as a transaction's");
    },
  },
  {
    name: "transactions: refuse keys and values as sessions do, and keep what they had",
    check: async (mesh, key) => {
      const session = mesh.session();
      const transaction = session.begin();
      await transaction.set(key("k"), 1);
      await refused(() => transaction.set(key("k"), undefined), ["VALUE_INVALID"], "a value that cannot be stored");
      await refused(() => transaction.set("", 1), ["KEY_INVALID"], "an empty key");
      await refused(() => transaction.getMany([""]), ["KEY_INVALID"], "an empty key to read");
      await refused(() => transaction.set(key("k"), 1, { ttl: -1 }), ["TTL_INVALID"], "a time to live that is none");
      await transaction.commit();
      assertEqual(await session.get(key("k")), 1, "what was committed");
    },
  },
];
