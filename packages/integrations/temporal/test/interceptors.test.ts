// A workflow, its activities and its client by their interceptors, composed as the SDK does; what goes between them has been bytes.

import { createMesh, inspectToken, type Mesh } from "@causalmesh/core";
import { memoryStore } from "@causalmesh/adapter-memory";
import { defaultPayloadConverter, type Headers } from "@temporalio/common";
import { composeInterceptors } from "@temporalio/common/lib/interceptors.js";
import type { WorkflowClientInterceptor } from "@temporalio/client";
import type { WorkflowInboundCallsInterceptor, WorkflowOutboundCallsInterceptor } from "@temporalio/workflow";
import { describe, expect, it, onTestFinished } from "vitest";
import { sessionActivityInterceptor, sessionClientInterceptor, type ReceiveOptions } from "../src/index.js";
import { interceptors } from "../src/workflow.js";

async function openMesh(): Promise<Mesh> {
  const mesh = await createMesh({ nodes: 3, store: memoryStore() });
  onTestFinished(() => mesh.close());
  return mesh;
}

/** As it is after it has been a payload in the server's history. */
function stored<Value>(value: Value): Value {
  const { metadata, data } = defaultPayloadConverter.toPayload(value)!;
  return defaultPayloadConverter.fromPayload({ metadata, data: data?.slice() });
}

function storedHeaders(headers: Headers): Headers {
  return Object.fromEntries(Object.entries(headers).map(([name, { metadata, data }]) => [name, { metadata, data: data!.slice() }]));
}

type Activity = (...args: unknown[]) => unknown;
type ChildStart = NonNullable<WorkflowOutboundCallsInterceptor["startChildWorkflowExecution"]>;

/** What a workflow's code sees of the SDK. */
interface Code {
  activity(work: Activity, ...args: unknown[]): Promise<unknown>;
  child(code: (code: Code) => Promise<unknown>): Promise<unknown>;
  signalled(headers: Headers): Promise<void>;
  nextRun(): Promise<Headers>;
}

class Server {
  readonly mesh: Mesh;
  /** Headers as they left the workflows. */
  readonly sent: Headers[] = [];
  readonly #options: ReceiveOptions | undefined;
  #count = 0;

  constructor(mesh: Mesh, options?: ReceiveOptions) {
    this.mesh = mesh;
    this.#options = options;
  }

  async workflow(headers: Headers, code: (code: Code) => Promise<unknown>): Promise<unknown> {
    const { inbound = [], outbound = [] } = interceptors();
    const schedule = composeInterceptors(outbound, "scheduleActivity", async (input) => {
      this.sent.push(input.headers);
      // Each activity at another node, as on another worker.
      const node = `node-${1 + (this.#count++ % 3)}`;
      const interceptor = sessionActivityInterceptor(this.mesh, { node, ...this.#options });
      const call = { args: stored(input.args), headers: storedHeaders(input.headers) };
      return stored(await interceptor.execute(call, async ({ args }) => await (input.options as unknown as { work: Activity }).work(...args)));
    });
    const startChild = composeInterceptors(outbound, "startChildWorkflowExecution", async (input) => {
      const childCode = (input.options as unknown as { code: (code: Code) => Promise<unknown> }).code;
      return [Promise.resolve("run"), this.workflow(storedHeaders(input.headers), childCode).then(stored)];
    });
    const signal = composeInterceptors(inbound, "handleSignal", async () => {});
    const next = composeInterceptors(outbound, "continueAsNew", async (input) => input.headers as never);
    const api: Code = {
      activity: (work, ...args) => schedule({ activityType: "work", args, options: { work } as never, headers: {}, seq: 1 }),
      child: async (childCode) => {
        const [, result] = await startChild({
          workflowType: "child",
          options: { code: childCode } as never,
          headers: {},
          seq: 1,
        } satisfies Parameters<ChildStart>[0]);
        return await result;
      },
      signalled: (signalHeaders) => signal({ signalName: "s", args: [], headers: signalHeaders }),
      nextRun: () => next({ args: [], headers: {}, options: {} as never }) as Promise<Headers>,
    };
    const execute = composeInterceptors(inbound as WorkflowInboundCallsInterceptor[], "execute", async () => await code(api));
    return await execute({ args: [], headers });
  }
}

/** What the client of a workflow sends. */
async function startHeaders(mesh: Mesh): Promise<Headers> {
  const interceptor: WorkflowClientInterceptor = sessionClientInterceptor(mesh);
  let sent: Headers | undefined;
  const start = composeInterceptors([interceptor], "start", async (input) => {
    sent = storedHeaders(input.headers);
    return "run";
  });
  await start({ workflowType: "w", headers: {}, options: {} as never });
  return sent!;
}

const MEMORY = { durability: "memory" } as const;

describe("a workflow", () => {
  it("sees in each activity what its client and its activities before did, at other nodes", async () => {
    const mesh = await openMesh();
    const server = new Server(mesh);
    for (let round = 0; round < 20; round++) {
      const headers = await mesh.run(async () => {
        await mesh.set(`client ${round}`, round, MEMORY);
        return await startHeaders(mesh);
      });
      const result = await server.workflow(headers, async ({ activity }) => {
        const version = await activity(async (key) => {
          await mesh.set(key as string, await mesh.get(`client ${round}`), MEMORY);
          return (await mesh.getEntry(key as string)).version;
        }, `first ${round}`);
        const seen = await activity(() => mesh.getMany([`client ${round}`, `first ${round}`]));
        return { version, seen };
      });
      expect(result).toMatchObject({ seen: [round, round] });
      const [replica, counter] = (result as { version: string }).version.split(":");
      const [token] = defaultPayloadConverter.fromPayload<string[]>(server.sent.at(-1)!["causalmesh-session"]);
      const { visible, own } = inspectToken(token);
      expect((visible[replica] ?? 0) >= Number(counter) || own.some(({ write }) => write === `${replica}:${counter}`)).toBe(true);
    }
  });

  it("joins parallel activities, child workflows, signals, and takes the session to its next run", async () => {
    const mesh = await openMesh();
    const server = new Server(mesh);
    const write = (key: string) => () => mesh.set(key, key, MEMORY);
    const signal = await mesh.run(async () => {
      await mesh.set("signal", "signal", MEMORY);
      return await startHeaders(mesh);
    });
    let next: Headers = {};
    const keys = ["left", "right", "child", "signal"];
    const seen = await server.workflow({}, async (code) => {
      await Promise.all([code.activity(write("left")), code.activity(write("right"))]);
      expect(await code.child(async (child) => await child.activity(() => write("child")().then(() => "of the child")))).toBe("of the child");
      await code.signalled(signal);
      next = await code.nextRun();
      return await code.activity(() => mesh.getMany(keys));
    });
    expect(seen).toEqual(keys);
    expect(await server.workflow(storedHeaders(next), ({ activity }) => activity(() => mesh.getMany(keys)))).toEqual(keys);
    expect(
      defaultPayloadConverter.fromPayload<string[]>(server.sent.at(-2)!["causalmesh-session"]).length,
      "several tokens until an activity joins them",
    ).toBeGreaterThan(1);
  });

  it.each([[undefined], [null], [0], ["text"], [{ a: [1] }], [[1, 2]]])("gets the result %j of an activity as it is", async (value) => {
    const mesh = await openMesh();
    expect(await new Server(mesh).workflow({}, ({ activity }) => activity(() => value))).toEqual(value);
  });

  it("gets the bytes of an activity as they are", async () => {
    const mesh = await openMesh();
    expect(await new Server(mesh).workflow({}, ({ activity }) => activity(() => Uint8Array.of(0, 1, 255)))).toEqual(Uint8Array.of(0, 1, 255));
  });

  it("gets an activity's failure as it is, and goes on from where it was", async () => {
    const mesh = await openMesh();
    const result = await new Server(mesh).workflow({}, async ({ activity }) => {
      await activity(() => mesh.set("k", 1, MEMORY));
      await expect(activity(() => Promise.reject(new Error("its own")))).rejects.toThrow("its own");
      return await activity(() => mesh.get("k"));
    });
    expect(result).toBe(1);
  });
});

describe("an activity", () => {
  it("of a workflow without interceptors answers its result alone, and fails for good where a session is required", async () => {
    const mesh = await openMesh();
    const call = { args: [], headers: {} };
    expect(await sessionActivityInterceptor(mesh).execute(call, () => mesh.get("k").then(() => "plain"))).toBe("plain");
    await expect(sessionActivityInterceptor(mesh, { required: true }).execute(call, async () => 1)).rejects.toMatchObject({
      type: "TOKEN_MISSING",
      nonRetryable: true,
    });
  });

  it("fails for good where the token is of another mesh, and where it did not await all of its calls", async () => {
    const [mesh, other] = [await openMesh(), await openMesh()];
    const headers = await other.run(() => startHeaders(other));
    const wrong = sessionActivityInterceptor(mesh).execute({ args: [], headers }, async () => 1);
    await expect(wrong).rejects.toMatchObject({ type: "TOKEN_OTHER_MESH", nonRetryable: true });
    let floating: Promise<void> | undefined;
    const careless = sessionActivityInterceptor(mesh).execute({ args: [], headers: {} }, async () => void (floating = mesh.set("k", 1)));
    await expect(careless).rejects.toMatchObject({ code: "SESSION_BUSY" });
    await floating;
  });
});

describe("a client", () => {
  it("sends no header outside of a session", async () => {
    expect(await startHeaders(await openMesh())).toEqual({});
  });
});
