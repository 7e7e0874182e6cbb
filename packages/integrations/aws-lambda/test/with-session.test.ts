// Functions with the events that AWS's documentation records, by what they answer.

import { createMesh, inspectToken, type Mesh } from "@causalmesh/core";
import { memoryStore } from "@causalmesh/adapter-memory";
import { describe, expect, it, onTestFinished } from "vitest";
import { sqsCarrier, withSession } from "../src/index.js";
import { balancerEvent, httpEvent, restEvent, sqsEvent } from "./events.js";

async function openMesh(): Promise<Mesh> {
  const mesh = await createMesh({ nodes: 3, store: memoryStore() });
  onTestFinished(() => mesh.close());
  return mesh;
}

async function write(mesh: Mesh, key = "k"): Promise<string> {
  await mesh.set(key, key, { durability: "memory" });
  return (await mesh.getEntry(key)).version!;
}

function expectCovered(token: string | undefined, version: string): void {
  const [replica, counter] = version.split(":");
  const { visible, own } = inspectToken(token!);
  expect((visible[replica] ?? 0) >= Number(counter) || own.some(({ write: name }) => name === version)).toBe(true);
}

/** What Lambda makes of an answer. */
function answered(answer: unknown): { statusCode: number; headers: Record<string, string>; body: string } {
  return JSON.parse(JSON.stringify(answer)) as never;
}

const HTTP_EVENTS = [
  ["API Gateway 1.0", restEvent],
  ["API Gateway 2.0 and function URLs", httpEvent],
  ["load balancers", balancerEvent],
] as const;

describe("a function behind HTTP", () => {
  it.each(HTTP_EVENTS)("of %s goes on from the header, and answers with all that it did", async (_, event) => {
    const mesh = await openMesh();
    let version = "";
    const first = withSession(mesh, async () => {
      version = await write(mesh);
      return { statusCode: 201, headers: { "content-type": "text/plain" }, body: "done" };
    });
    const answer = answered(await first(event(), {}));
    expect(answer).toMatchObject({ statusCode: 201, headers: { "content-type": "text/plain" }, body: "done" });
    expectCovered(answer.headers["causalmesh-session"], version);
    const second = withSession(mesh, async () => ({ statusCode: 200, body: String(await mesh.get("k")) }), { required: true });
    expect(answered(await second(event(answer.headers["causalmesh-session"]), {})).body).toBe("k");
  });

  it.each(HTTP_EVENTS)("of %s answers 400 to a token that is missing or wrong", async (_, event) => {
    const mesh = await openMesh();
    const handler = withSession(mesh, () => ({ statusCode: 200 }), { required: true });
    for (const [session, code] of [
      [undefined, "TOKEN_MISSING"],
      ["nonsense", "TOKEN_MALFORMED"],
      [await (await openMesh()).session().token(), "TOKEN_OTHER_MESH"],
    ]) {
      const answer = answered(await handler(event(session) as never, {}));
      expect([answer.statusCode, (JSON.parse(answer.body) as { code: string }).code]).toEqual([400, code]);
    }
  });

  it("of format 2.0 may answer without a status", async () => {
    const mesh = await openMesh();
    for (const [value, body] of [
      [{ items: 1 }, '{"items":1}'],
      ["Hello from Lambda!", "Hello from Lambda!"],
    ]) {
      const answer = answered(await withSession(mesh, () => value)(httpEvent(), {}));
      expect(answer).toEqual({ statusCode: 200, headers: { "content-type": "application/json", "causalmesh-session": expect.any(String) }, body });
    }
  });
});

describe("a function of a workflow", () => {
  it("gets the session with its input and hands it up with its output, and branches are joined", async () => {
    const mesh = await openMesh();
    const state = <Output extends object>(value: Output): Output & { causalmeshSession: string } => JSON.parse(JSON.stringify(value)) as never;
    const order = withSession(mesh, async ({ order: id }: { order: number }) => {
      await write(mesh, "order");
      return { order: id };
    });
    const branch = (name: string) =>
      withSession(mesh, async (input: { order: number }) => {
        expect(await mesh.get("order")).toBe("order");
        return { ...input, version: await write(mesh, name) };
      });
    const end = withSession(mesh, async (branches: readonly object[]) => ({ count: branches.length, seen: await mesh.getMany(["order", "pay", "pack"]) }), {
      required: true,
    });
    const ordered = state(await order({ order: 5 }, {}));
    const outputs = await Promise.all(["pay", "pack"].map(async (name) => state(await branch(name)(ordered, {}))));
    const ended = state(await end(outputs, {}));
    expect(ended).toMatchObject({ count: 2, seen: ["order", "pay", "pack"] });
    for (const { version } of outputs) expectCovered(ended.causalmeshSession, version);
  });

  it("fails where the token is missing or wrong, and where its output has no room for one", async () => {
    const mesh = await openMesh();
    await expect(withSession(mesh, () => ({}), { required: true })({}, {})).rejects.toMatchObject({ code: "TOKEN_MISSING" });
    await expect(withSession(mesh, () => ({}))({ causalmeshSession: "nonsense" }, {})).rejects.toMatchObject({ code: "TOKEN_MALFORMED" });
    await expect(withSession(mesh, () => [1])({}, {})).rejects.toMatchObject({ code: "OPTION_INVALID" });
  });
});

describe("a function behind a queue", () => {
  it("goes on from the messages of its batch", async () => {
    const mesh = await openMesh();
    const send = withSession(mesh, async ({ name }: { name: string }) => {
      await write(mesh, name);
      return { message: sqsCarrier.inject({ MessageAttributes: {} }, await mesh.token()) };
    });
    const messages = await Promise.all(["left", "right"].map((name) => send({ name }, {})));
    const tokens = messages.map(({ message }) => message.MessageAttributes!["causalmesh-session"].StringValue);
    const answer = { batchItemFailures: [] };
    const receive = withSession(mesh, async () => {
      expect(await mesh.getMany(["left", "right"])).toEqual(["left", "right"]);
      return answer;
    });
    expect(await receive(sqsEvent(...tokens), {})).toBe(answer);
    await expect(withSession(mesh, () => answer, { required: true })(sqsEvent(undefined), {})).rejects.toMatchObject({ code: "TOKEN_MISSING" });
  });
});

describe("withSession", () => {
  it("opens its mesh when there is an event, and hands the handler event and context", async () => {
    const mesh = await openMesh();
    let opened = 0;
    const handler = withSession(
      async () => {
        opened += 1;
        return mesh;
      },
      (event: { a: number }, context: { b: number }) => ({ sum: event.a + context.b }),
    );
    expect(opened).toBe(0);
    expect(await handler({ a: 1 }, { b: 2 })).toMatchObject({ sum: 3 });
    expect(opened).toBe(1);
  });

  it("fails a function that did not await all of its calls: its answer would lack them", async () => {
    const mesh = await openMesh();
    let floating: Promise<void> | undefined;
    const careless = withSession(mesh, () => {
      floating = mesh.set("k", 1);
      return {};
    });
    await expect(careless({}, {})).rejects.toMatchObject({ code: "SESSION_BUSY" });
    await floating;
  });
});
