// Carriers of messages: what leaves carries the token, what comes in gives it back, and the message is otherwise as it was.

import { CloudEvent, HTTP } from "cloudevents";
import { describe, expect, it } from "vitest";
import { baggageCarrier, carry, cloudEventCarrier, gatewayCarrier, headerRecordCarrier, httpCarrier, receive, sqsCarrier, stateCarrier } from "../src/index.js";
import { codeOf, expectCovered, KINDS, openMesh, write } from "./support/meshes.js";

/** As it is after it has left the process. */
function sent<Message>(message: Message): Message {
  return JSON.parse(JSON.stringify(message)) as Message;
}

describe("every carrier", () => {
  const record = (message: object): object => ({ messageAttributes: { "causalmesh-session": { stringValue: attribute(message) } } });
  const attribute = (message: object): string =>
    (message as { MessageAttributes: Record<string, { StringValue: string }> }).MessageAttributes["causalmesh-session"].StringValue;
  const event = new CloudEvent({ type: "order.placed", source: "/shop", data: { order: 1 } });
  const parsed = (message: unknown): unknown => HTTP.toEvent(HTTP.binary(message as CloudEvent));
  const cases: [
    name: string,
    carrier: { place: string; extract(message: never): readonly string[]; inject(message: never, token: string): unknown },
    out: unknown,
    arrives: (message: never) => unknown,
  ][] = [
    ["HTTP", httpCarrier, new Response("body"), (response: Response) => new Request("http://a.example", { headers: response.headers })],
    ["header lines", headerRecordCarrier, { "Causalmesh-Session": "old", other: "1" }, sent],
    ["API Gateway", gatewayCarrier, { statusCode: 201, body: "b" }, sent],
    ["baggage", baggageCarrier, "userId=alice,serverNode=DF%2028;prop=1", (text: string) => text],
    ["CloudEvents in structured form", cloudEventCarrier, { specversion: "1.0", type: "t", source: "/s", id: "1" }, sent],
    ["CloudEvents of the SDK", cloudEventCarrier, event, parsed],
    ["the state of Step Functions", stateCarrier, { order: 1 }, sent],
    ["SQS, as received", sqsCarrier, { QueueUrl: "q", MessageBody: "b", MessageAttributes: { trace: { DataType: "String", StringValue: "1" } } }, sent],
    ["SQS, as a Lambda event", sqsCarrier, { MessageBody: "b" }, (message: object) => ({ Records: [record(message)] })],
  ];

  const overEach = cases.flatMap((one) => KINDS.map((kind) => [kind, ...one] as const));

  it.each(overEach)("hands on a session with all that its function did: a mesh over %s, %s", async (kind, _, carrier, out, arrives) => {
    const mesh = await openMesh(kind);
    let version = "";
    const work = async (): Promise<never> => {
      version = await write(mesh, "k");
      return out as never;
    };
    // It begins from what has none.
    const nothing = { place: carrier.place, extract: () => [], inject: carrier.inject as (message: never, token: string) => never };
    const message = await carry(mesh, nothing, undefined, work);
    const tokens = carrier.extract(arrives(message) as never);
    expect(tokens).toHaveLength(1);
    expectCovered(tokens[0], version);
    expect(await receive(mesh, carrier, arrives(message) as never).run(() => mesh.get("k"))).toBe("k");
    const again = carrier.extract(arrives(carrier.inject(message, "another-token") as never) as never);
    expect(again, "a token replaces the one before it").toEqual(["another-token"]);
  });

  it.each(cases)("of %s says where a token is missing, if one is required", async (name, carrier, out, arrives) => {
    const mesh = await openMesh();
    const bare = name === "header lines" ? { other: "1" } : name.startsWith("SQS, as a") ? { Records: [{ messageAttributes: {} }] } : out;
    const incoming = (name.startsWith("SQS, as a") ? bare : arrives(bare as never)) as never;
    expect(carrier.extract(incoming)).toEqual([]);
    receive(mesh, carrier, incoming).abandon();
    expect(() => receive(mesh, carrier, incoming, { required: true })).toThrow(
      expect.objectContaining({ code: "TOKEN_MISSING", message: expect.stringContaining(carrier.place) }),
    );
  });

  it.each(cases)("of %s has a token of another mesh refused", async (_, carrier, out, arrives) => {
    const [mesh, other] = [await openMesh(), await openMesh()];
    const message = carrier.inject(out as never, await other.session().token());
    expect(() => receive(mesh, carrier, arrives(message as never) as never)).toThrow(expect.objectContaining({ code: "TOKEN_OTHER_MESH" }));
  });
});

describe("a message", () => {
  it("keeps what else is in it", async () => {
    expect(baggageCarrier.inject("userId=alice , serverNode=DF%2028;prop=1,", "t")).toBe("userId=alice,serverNode=DF%2028;prop=1,causalmesh-session=t");
    expect(headerRecordCarrier.inject({ "CausalMesh-Session": "old", A: "1" }, "t")).toEqual({ A: "1", "causalmesh-session": "t" });
    expect(sqsCarrier.inject({ MessageAttributes: { trace: { DataType: "String", StringValue: "1" } } }, "t").MessageAttributes).toEqual({
      trace: { DataType: "String", StringValue: "1" },
      "causalmesh-session": { DataType: "String", StringValue: "t" },
    });
    const response = httpCarrier.inject(new Response("body", { status: 418, headers: { a: "1" } }), "t");
    expect([response.status, response.headers.get("a"), await response.text()]).toEqual([418, "1", "body"]);
    const before = { order: 1 };
    expect(stateCarrier.inject(before, "t")).toEqual({ order: 1, causalmeshSession: "t" });
    expect(before).toEqual({ order: 1 });
    expect(stateCarrier.inject(undefined, "t")).toEqual({ causalmeshSession: "t" });
  });

  it("of the CloudEvents SDK is still one that it takes, with the attribute in its binary and structured form", () => {
    const event = new CloudEvent({ type: "order.placed", source: "/shop", data: { order: 1 } });
    const carried = cloudEventCarrier.inject(event as never, "the-token") as unknown as CloudEvent;
    expect(HTTP.binary(carried).headers).toMatchObject({ "ce-causalmeshsession": "the-token", "ce-type": "order.placed" });
    expect(JSON.parse(HTTP.structured(carried).body as string)).toMatchObject({ causalmeshsession: "the-token", data: { order: 1 } });
  });

  it("that has room for no token is refused, and so is baggage that nobody hands on", () => {
    for (const output of [[1], "text", 5, true]) expect(() => stateCarrier.inject(output, "t")).toThrow(expect.objectContaining({ code: "OPTION_INVALID" }));
    expect(() => baggageCarrier.inject("", "t".repeat(8200))).toThrow(expect.objectContaining({ code: "TOKEN_TOO_LARGE" }));
    expect(() => stateCarrier.extract({ causalmeshSession: { Payload: "t" } })).toThrow(expect.objectContaining({ code: "TOKEN_MALFORMED" }));
  });

  it("of HTTP with several lines is of several branches", () => {
    expect(headerRecordCarrier.extract({ "CAUSALMESH-SESSION": "a, b" })).toEqual(["a", "b"]);
    expect(headerRecordCarrier.extract({ "causalmesh-session": ["a", "b"] })).toEqual(["a", "b"]);
  });
});

describe("carry", () => {
  it("joins the branches of Map and Parallel, and the messages of a batch", async () => {
    const mesh = await openMesh();
    const branch = (key: string) => carry<unknown, unknown>(mesh, stateCarrier, {}, async () => ({ version: await write(mesh, key) }));
    const outputs = (await Promise.all(["left", "right"].map(branch))) as { version: string; causalmeshSession: string }[];
    const joined = (await carry(mesh, stateCarrier, outputs as unknown, async () => ({ seen: await mesh.getMany(["left", "right"]) }))) as {
      causalmeshSession: string;
    };
    expect(joined).toMatchObject({ seen: ["left", "right"] });
    for (const { version } of outputs) expectCovered(joined.causalmeshSession, version);
    const records = outputs.map(({ causalmeshSession }) => ({ messageAttributes: { "causalmesh-session": { stringValue: causalmeshSession } } }));
    expect(await receive(mesh, sqsCarrier, { Records: records }).run(() => mesh.getMany(["left", "right"]))).toEqual(["left", "right"]);
  });

  it("sends no token that lacks something: a call that nobody awaited fails the function", async () => {
    const mesh = await openMesh();
    let floating: Promise<void> | undefined;
    const careless = carry<unknown, unknown>(mesh, stateCarrier, {}, () => {
      floating = mesh.set("k", 1);
      return {};
    });
    expect(await codeOf(careless)).toBe("SESSION_BUSY");
    await floating;
  });

  it("hands on the function's own error, and ends its session", async () => {
    const mesh = await openMesh();
    let late: Promise<unknown> | undefined;
    const failing = carry<unknown, unknown>(mesh, stateCarrier, {}, () => {
      late = new Promise((resolve) => setTimeout(resolve, 2)).then(() => mesh.get("k"));
      throw new Error("its own");
    });
    await expect(failing).rejects.toThrow("its own");
    expect(await codeOf(late!)).toBe("NO_SESSION");
  });
});
