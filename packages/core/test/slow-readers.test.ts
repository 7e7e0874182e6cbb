// Clients that ask for more than they read: the node holds a bounded number of bytes for each, and serves the others meanwhile.

import { describe, expect, it } from "vitest";
import { encodeUtf8 } from "../src/bytes/utf8.js";
import { UNREAD_ANSWERS_BYTES_MAX, VALUE_BYTES_MAX } from "../src/limits.js";
import { beginFrame, endFrame, GET, VALUE } from "../src/wire/frames.js";
import { cluster, until } from "./support/cluster.js";
import { RawClient } from "./support/raw-client.js";

describe("a client that asks for much at once", () => {
  it("gets all of it", async () => {
    const { connect } = await cluster({ nodes: 1 });
    const session = (await connect()).session();
    const value = "v".repeat(VALUE_BYTES_MAX - 2);
    await session.set("k", value, { durability: "memory" });
    const values = await Promise.all(Array.from({ length: 60 }, () => session.get<string>("k")));
    expect(values.map((each) => each?.length)).toEqual(values.map(() => value.length));
  });

  it("and does not read waits for itself alone, and gets all of it when it reads again", async () => {
    const { connect, transport, fatals } = await cluster({ nodes: 1 });
    const mesh = await connect();
    await mesh.session().set("k", "v".repeat(VALUE_BYTES_MAX - 2), { durability: "memory" });
    await mesh.session().get("k");
    const client = await RawClient.welcomed(transport, "n1");
    const far = client.connection as unknown as { peer: { buffered: number } };
    client.connection.pause();
    const COUNT = 100;
    client.send((out) => {
      for (let id = 1; id <= COUNT; id++) {
        const at = beginFrame(out, GET, 0, id);
        out.raw(encodeUtf8("k"));
        endFrame(out, at);
      }
    });
    const other = mesh.session();
    for (let round = 0; round < 50; round++) {
      await other.set("other", round, { durability: "memory" });
      expect(await other.get("other")).toBe(round);
    }
    expect(far.peer.buffered).toBeGreaterThan(UNREAD_ANSWERS_BYTES_MAX);
    expect(far.peer.buffered).toBeLessThan(UNREAD_ANSWERS_BYTES_MAX + 4 * VALUE_BYTES_MAX);
    client.connection.resume();
    await until(() => client.frames.filter((frame) => frame.type === VALUE).length === COUNT);
    expect(client.frames.filter((frame) => frame.type === VALUE).map((frame) => frame.id)).toEqual(Array.from({ length: COUNT }, (_, index) => index + 1));
    expect(fatals).toEqual([]);
  });
});
