// The session header: in, out, joined, too large, and of others.

import { connectMesh, formMesh, memoryTransport, startNode } from "@causalmesh/core";
import { memoryStore } from "@causalmesh/adapter-memory";
import { describe, expect, it } from "vitest";
import { ask, embedded, served } from "./support/front.js";
import { slowMesh } from "./support/slow-mesh.js";

describe("the header causalmesh-session", () => {
  it("is in every answer of a session, also where the key is absent", async () => {
    const { url } = await served(await embedded());
    const answers = [
      await ask(`${url}/v1/shop/k`),
      await ask(`${url}/v1/shop/k`, { method: "PUT", json: 1 }),
      await ask(`${url}/v1/shop/k`, { method: "DELETE" }),
      await ask(`${url}/v1/shop/read`, { method: "POST", json: { keys: ["k"] } }),
      await ask(`${url}/v1/shop/write`, { method: "POST", json: { delete: ["k"] } }),
      await ask(`${url}/v1/session/join`, { method: "POST", json: { tokens: [] } }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([404, 204, 204, 200, 204, 200]);
    for (const { session } of answers) expect(session).toMatch(/^[\w-]{40,}$/);
  });

  it("carries own writes to a node that does not show them yet, and joins several tokens", async () => {
    const { mesh } = await slowMesh(50);
    const [a, b] = await Promise.all(["n1", "n2"].map((node) => served(mesh, { node })));
    const [left, right] = await Promise.all(["left", "right"].map((key) => ask(`${a.url}/v1/shop/${key}?durability=memory`, { method: "PUT", json: key })));
    expect((await ask(`${b.url}/v1/shop/left`)).status, "nobody else sees it there yet").toBe(404);
    const both = { method: "POST", json: { keys: ["left", "right"] } };
    const values = async (session: string): Promise<unknown[]> =>
      (JSON.parse((await ask(`${b.url}/v1/shop/read`, { ...both, session })).text) as { entries: { value: unknown }[] }).entries.map(({ value }) => value);
    expect(await values(`${left.session}, ${right.session}`)).toEqual(["left", "right"]);
    const joined = await ask(`${b.url}/v1/session/join`, { method: "POST", json: { tokens: [left.session, right.session] } });
    expect(JSON.parse(joined.text)).toEqual({ session: joined.session });
    expect(await values(joined.session!)).toEqual(["left", "right"]);
  });

  it("stays small after a large write: the answer waits until the token need not carry it", async () => {
    const { mesh } = await slowMesh(20);
    const { url } = await served(mesh, { node: "n1" });
    const put = await ask(`${url}/v1/shop/k?durability=memory`, { method: "PUT", json: "x".repeat(200_000) });
    expect(put.status).toBe(204);
    expect(put.session!.length).toBeLessThan(4096);
    expect((await ask(`${url}/v1/shop/k`, { session: put.session })).text).toHaveLength(200_002);
  });

  it.each([
    ["nonsense", "TOKEN_MALFORMED"],
    ["A".repeat(40), "TOKEN_VERSION"],
    ["no,commas,,", "TOKEN_MALFORMED"],
    [Array(65).fill("a").join(), "REQUEST_INVALID"],
  ])("%s is refused with %s", async (session, code) => {
    const { url } = await served(await embedded());
    expect(await ask(`${url}/v1/shop/k`, { session })).toMatchObject({ status: 400, code });
  });

  it("of another mesh, expired or forged is refused", async () => {
    const { url } = await served(await embedded());
    const token = async (options: object): Promise<string> => await (await embedded(options)).session().token();
    expect(await ask(`${url}/v1/shop/k`, { session: await token({}) })).toMatchObject({ status: 400, code: "TOKEN_OTHER_MESH" });
    const store = memoryStore();
    const other = await embedded({ store, secret: "another secret than the server's", tokenTtl: 1 });
    const foreign = await other.session().token();
    const mine = await embedded({ store, tokenTtl: 1 });
    const short = await mine.session().token();
    const { url: second } = await served(mine);
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await ask(`${second}/v1/shop/k`, { session: foreign })).toMatchObject({ status: 400, code: "TOKEN_KEY_UNKNOWN" });
    const forged = short.slice(0, -4) + (short.endsWith("AAAA") ? "BBBB" : "AAAA");
    expect(await ask(`${second}/v1/shop/k`, { session: forged })).toMatchObject({ status: 400, code: "TOKEN_SIGNATURE" });
    expect(await ask(`${second}/v1/shop/k`, { session: short })).toMatchObject({ status: 400, code: "TOKEN_EXPIRED" });
  });
});

describe("failures of the mesh", () => {
  it("are answered with 503 and Retry-After, and say nothing of addresses", async () => {
    const store = memoryStore();
    const transport = memoryTransport();
    const { members } = await formMesh(store, ["n1"]);
    const node = await startNode({ store, transport, address: members[0].address, replica: members[0].replica });
    const mesh = await connectMesh({ nodes: ["n1"], timeoutMs: 400 }, transport);
    const { url } = await served(mesh);
    await node.close();
    const answer = await ask(`${url}/v1/shop/k`);
    expect(answer).toMatchObject({ status: 503, code: "NODE_UNREACHABLE" });
    expect(answer.headers.get("retry-after")).toBe("1");
    expect(JSON.parse(answer.text)).toMatchObject({ retryable: true, retryAfterMs: 1000 });
    expect(answer.text).not.toContain("n1");
    await mesh.close();
    expect(await ask(`${url}/v1/shop/k`)).toMatchObject({ status: 503, code: "CLOSED" });
  });
});
