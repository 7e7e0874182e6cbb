// What a node makes of bytes that no client and no node of ours would send: a code, the end of that connection where the stream cannot be
// trusted any more, and nothing else. Each test ends with the node serving others.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteWriter } from "../src/bytes/writer.js";
import { encodeUtf8 } from "../src/bytes/utf8.js";
import { memoryTransport } from "../src/embedded/memory-transport.js";
import { systemPlatform } from "../src/embedded/platform.js";
import { DURATION_MS_MAX, FRAME_BYTES_MAX, HANDSHAKE_BYTES_MAX, REFUSALS_TOLD_PER_SECOND_MAX, VALUE_BYTES_MAX, WRITE_BYTES_MAX } from "../src/limits.js";
import { Snapshot } from "../src/protocol/snapshot.js";
import { EMPTY_VECTOR, vectorOf, type Vector } from "../src/protocol/vector.js";
import {
  BATCH,
  beginFrame,
  CHALLENGE,
  COMMIT,
  endFrame,
  GAVE_UP,
  GET,
  GET_MANY,
  HELLO,
  MERGE,
  READ_AT,
  STATUS,
  WITH_CONTEXT,
  WRITE,
  WRITTEN,
} from "../src/wire/frames.js";
import { newNonce, Role, writeHello, writeProof } from "../src/wire/handshake.js";
import { writeNumbers, writeSnapshot, writeVector } from "../src/wire/messages.js";
import { cluster, until, type Cluster } from "./support/cluster.js";
import { CutTransport } from "./support/cut-transport.js";
import { RawClient } from "./support/raw-client.js";

const FLAG_DELETES = 1;
const FLAG_EXPIRES = 2;

function frame(type: number, id: number, payload: (out: ByteWriter) => void = () => undefined, flags = 0): (out: ByteWriter) => void {
  return (out) => {
    const at = beginFrame(out, type, flags, id);
    payload(out);
    endFrame(out, at);
  };
}

interface Change {
  readonly flags?: number;
  readonly key?: Uint8Array;
  readonly value?: Uint8Array;
  readonly ttlMs?: number;
}

function write(
  id: number,
  changes: readonly Change[],
  durability = 0,
  context?: { visible: Vector; written?: Vector; time?: number },
): (out: ByteWriter) => void {
  return frame(
    WRITE,
    id,
    (out) => {
      if (context !== undefined) putContext(out, context);
      putChanges(out, changes, durability);
    },
    context === undefined ? 0 : WITH_CONTEXT,
  );
}

function putChanges(out: ByteWriter, changes: readonly Change[], durability: number): void {
  out.u8(durability);
  out.varint(changes.length);
  for (const { flags = 0, key = encodeUtf8("key"), value = encodeUtf8('"v"'), ttlMs = 0 } of changes) {
    out.u8(flags);
    out.varint(key.length);
    out.varint(value.length);
    if ((flags & FLAG_EXPIRES) !== 0) out.varint(ttlMs);
    out.raw(key);
    out.raw(value);
  }
}

function commit(id: number, changes: readonly Change[], tried: readonly number[] = []): (out: ByteWriter) => void {
  return frame(COMMIT, id, (out) => {
    writeVector(out, EMPTY_VECTOR);
    writeNumbers(out, tried);
    putChanges(out, changes, 0);
  });
}

function merge(id: number, name: string, change: string, durability = 0): (out: ByteWriter) => void {
  return frame(MERGE, id, (out) => {
    out.u8(durability);
    out.text(name);
    out.blob(encodeUtf8(change));
  });
}

function readAt(id: number, snapshot: Snapshot, time: number): (out: ByteWriter) => void {
  return frame(READ_AT, id, (out) => {
    writeSnapshot(out, snapshot);
    out.f64(time);
    out.varint(1);
    out.text("key");
  });
}

function putContext(out: ByteWriter, { visible, written = EMPTY_VECTOR, time = 0 }: { visible: Vector; written?: Vector; time?: number }): void {
  writeVector(out, visible);
  writeVector(out, written);
  out.f64(time);
}

function get(id: number, key: string, context?: { visible: Vector; written?: Vector; time?: number }): (out: ByteWriter) => void {
  return frame(
    GET,
    id,
    (out) => {
      if (context !== undefined) putContext(out, context);
      out.raw(encodeUtf8(key));
    },
    context === undefined ? 0 : WITH_CONTEXT,
  );
}

/** Others can write here, and read it everywhere: nothing has stopped, and the ring still turns. */
async function expectServing({ connect, addresses, fatals }: Cluster): Promise<void> {
  const mesh = await connect();
  const value = `alive ${Math.floor(performance.now())}`;
  for (const node of addresses) {
    await mesh.session(undefined, { node }).set(`alive at ${node}`, value, { durability: "everywhere" });
    for (const other of addresses) expect(await mesh.session(undefined, { node: other }).get(`alive at ${node}`)).toBe(value);
  }
  await mesh.session(undefined, { node: addresses[0] }).set("alive", value, { durability: "stored" });
  await mesh.close();
  expect(fatals).toEqual([]);
}

describe("a request that cannot be served", () => {
  const cases: [name: string, expected: string, request: (out: ByteWriter) => void][] = [
    ["an empty key", "KEY_INVALID", get(1, "")],
    ["a key that is too long", "KEY_INVALID", get(1, "k".repeat(1025))],
    ["a key that is not text", "KEY_INVALID", frame(GET, 1, (out) => out.raw(new Uint8Array([0xc3, 0x28])))],
    ["a write of a key that is not text", "KEY_INVALID", write(1, [{ key: new Uint8Array([0xff, 0xfe]) }])],
    ["a write of no key", "KEY_INVALID", write(1, [])],
    [
      "a write of too many keys",
      "KEY_INVALID",
      write(
        1,
        Array.from({ length: 1025 }, () => ({})),
      ),
    ],
    ["a read of too many keys", "KEY_INVALID", frame(GET_MANY, 1, (out) => out.varint(1025))],
    ["an empty key among several", "KEY_INVALID", frame(GET_MANY, 1, (out) => (out.varint(1), out.varint(0)))],
    ["a value that is too large", "VALUE_TOO_LARGE", write(1, [{ value: new Uint8Array(VALUE_BYTES_MAX + 1) }])],
    [
      "values that are too large together",
      "VALUE_TOO_LARGE",
      write(
        1,
        Array.from({ length: WRITE_BYTES_MAX / VALUE_BYTES_MAX + 1 }, (_, index) => ({ key: encodeUtf8(`k${index}`), value: new Uint8Array(VALUE_BYTES_MAX) })),
      ),
    ],
    ["a time to live beyond all dates", "TTL_INVALID", write(1, [{ flags: FLAG_EXPIRES, ttlMs: DURATION_MS_MAX + 1 }])],
    ["a session that has seen what no node wrote", "NODE_BEHIND", get(1, "k", { visible: vectorOf([[1, 1000]]) })],
    ["a session that has seen a node that never was", "NODE_BEHIND", get(1, "k", { visible: vectorOf([[99, 1]]) })],
    ["a key of the mesh's own", "KEY_INVALID", write(1, [{ key: encodeUtf8("\u0000tid") }])],
    ["a key of the mesh's own in a commit", "KEY_INVALID", commit(1, [{ key: encodeUtf8("\u0000tid") }, { key: encodeUtf8("\u0000tother") }])],
    ["a commit that a node was asked for that never was", "NODE_BEHIND", commit(1, [{ key: encodeUtf8("\u0000tid") }, {}], [99])],
    [
      "a sum beyond what can be counted",
      "VALUE_INVALID",
      (out) => (merge(2, "\u0000ck", '{"by":9007199254740991}')(out), merge(1, "\u0000ck", '{"by":1}')(out)),
    ],
    [
      "a set that is too large",
      "VALUE_TOO_LARGE",
      merge(1, "\u0000sk", JSON.stringify({ add: Array.from({ length: 600 }, (_, index) => "m".repeat(1020) + index) })),
    ],
    ["a snapshot that no node has shown", "NODE_BEHIND", readAt(1, new Snapshot([1, 2, 3], [1000, 0, 0], 4), 0)],
    ["a snapshot from the far future", "CLOCK_SKEW", readAt(1, new Snapshot([1, 2, 3], [0, 0, 0], 4), Number.MAX_SAFE_INTEGER)],
    ["a session from the far future", "CLOCK_SKEW", get(1, "k", { visible: EMPTY_VECTOR, time: Number.MAX_SAFE_INTEGER })],
  ];

  it.each(cases)("%s: %s, and the connection goes on", async (_, expected, request) => {
    const nodes = await cluster();
    const client = await RawClient.welcomed(nodes.transport, "n1");
    client.send(request);
    expect(await client.refusal(1)).toBe(expected);
    client.send(write(2, [{}]));
    expect((await client.answer(2)).type).toBe(WRITTEN);
    await expectServing(nodes);
  });
});

describe("a stream that cannot be trusted any more", () => {
  const head = (length: number): Uint8Array => new Uint8Array([length, length >>> 8, length >>> 16, length >>> 24, GET, 0, 1, 0, 0, 0]);
  const cases: [name: string, bytes: Uint8Array | ((out: ByteWriter) => void)][] = [
    ["a frame that is too short to be one", head(5)],
    ["an empty frame", head(0)],
    ["a frame that would be too large", head(FRAME_BYTES_MAX + 1)],
    ["a frame of four gigabytes", head(0xffff_ffff)],
    ["a type that is no request", frame(99, 1)],
    ["an answer instead of a request", frame(WRITTEN, 1)],
    ["a batch of the ring from a client", frame(BATCH, 0)],
    ["a second greeting", (out) => writeHello(out, { role: Role.Client, nonce: newNonce(systemPlatform.entropy), replica: 0, epoch: 0, target: 0 })],
    ["a write that ends in the middle", frame(WRITE, 1, (out) => (out.u8(0), out.varint(1), out.u8(0), out.varint(50)))],
    ["a write with bytes left over", frame(WRITE, 1, (out) => (out.u8(0), out.varint(1), out.u8(0), out.varint(1), out.varint(0), out.u8(65), out.u8(65)))],
    ["a deletion with a value", write(1, [{ flags: FLAG_DELETES }])],
    ["a durability that is none", write(1, [{}], 4)],
    ["a vector out of order", frame(GET, 1, (out) => (out.varint(2), out.varint(5), out.varint(1), out.varint(4), out.varint(1)), WITH_CONTEXT)],
    ["a vector of too many entries", frame(GET, 1, (out) => out.varint(1e6), WITH_CONTEXT)],
    ["a snapshot out of order", readAt(1, new Snapshot([2, 1], [0, 0], 4), 0)],
    ["a snapshot of replicas that it does not know", readAt(1, new Snapshot([5], [0], 4), 0)],
    ["a commit without a transaction", commit(1, [{}])],
    ["a change of a key that does not merge", merge(1, "k", '{"by":1}')],
    ["a change that is no JSON", merge(1, "\u0000ck", "{")],
    ["a change of another kind of value", merge(1, "\u0000ck", '{"add":["a"]}')],
    ["an addition that is no whole number", merge(1, "\u0000ck", '{"by":0.5}')],
    ["a removal of what no write is named by", merge(1, "\u0000sk", '{"remove":{"first":["a"]}}')],
    ["a change with a durability that is none", merge(1, "\u0000ck", '{"by":1}', 9)],
    ["a transaction given up for no known reason", frame(GAVE_UP, 0, (out) => out.u8(9))],
    ["a time that is no number", frame(GET, 1, (out) => (out.varint(0), out.varint(0), out.f64(NaN), out.u8(65)), WITH_CONTEXT)],
  ];

  it.each(cases)("%s: PROTOCOL, and the connection ends", async (_, bytes) => {
    const nodes = await cluster();
    const client = await RawClient.welcomed(nodes.transport, "n2");
    client.send(bytes);
    expect(await client.refusal()).toBe("PROTOCOL");
    await until(() => client.isClosed);
    expect(nodes.warnings.join()).toContain("PROTOCOL");
    await expectServing(nodes);
  });

  it("what was asked before it is answered all the same", async () => {
    const nodes = await cluster({ nodes: 1 });
    const client = await RawClient.welcomed(nodes.transport, "n1");
    client.send((out) => {
      write(1, [{}])(out);
      frame(STATUS, 2)(out);
      frame(99, 3)(out);
    });
    expect((await client.answer(1)).type).toBe(WRITTEN);
    await client.answer(2);
    expect(await client.refusal()).toBe("PROTOCOL");
    await expectServing(nodes);
  });
});

describe("the handshake", () => {
  const SECRET = "a secret of the tests";
  const hello = (out: ByteWriter): void => writeHello(out, { role: Role.Client, nonce: newNonce(systemPlatform.entropy), replica: 0, epoch: 0, target: 0 });

  it("is refused with PROTOCOL to whoever speaks something else", async () => {
    const nodes = await cluster();
    for (const bytes of [
      encodeUtf8("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
      frame(HELLO, 0, (out) => out.raw(new Uint8Array(30).fill(7))),
      frame(HELLO, 0),
      frame(CHALLENGE, 0),
      frame(GET, 1, (out) => out.u8(65)),
      (out: ByteWriter) => (hello(out), hello(out)),
      frame(HELLO, 0, (out) => out.raw(new Uint8Array(HANDSHAKE_BYTES_MAX))),
      (out: ByteWriter) => writeProof(out, new Uint8Array(0)),
    ]) {
      const client = await RawClient.connect(nodes.transport, "n1");
      client.send(bytes);
      expect(await client.refusal()).toBe("PROTOCOL");
      await until(() => client.isClosed);
    }
    await expectServing(nodes);
  });

  it("names both versions to whoever speaks another one", async () => {
    const nodes = await cluster({ nodes: 1 });
    const client = await RawClient.connect(nodes.transport, "n1");
    client.send((out) => {
      hello(out);
      out.bytes[14] = 9;
    });
    expect(await client.refusal()).toBe("PROTOCOL_VERSION");
    expect(nodes.warnings.join()).toContain("speaks version 9 of the protocol and the other 2");
    await expectServing(nodes);
  });

  it("is refused with UNAUTHENTICATED to whoever does not prove the secret: with none, another, or the node's own proof sent back", async () => {
    const nodes = await cluster({ secret: SECRET });
    for (const proof of [new Uint8Array(0), new Uint8Array(32)]) {
      const client = await RawClient.connect(nodes.transport, "n1");
      client.send((out) => (hello(out), writeProof(out, proof)));
      await until(() => client.isClosed);
      expect(nodes.warnings.at(-1)).toContain("UNAUTHENTICATED");
    }
    await expect(nodes.connect({ secret: "another secret of the tests" })).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
    await expect(nodes.connect({ secret: undefined })).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
    await expectServing(nodes);
  });

  it("is not finished by a node without the secret either: a client with one does not talk to it", async () => {
    const nodes = await cluster();
    await expect(nodes.connect({ secret: SECRET })).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
  });

  it("makes no predecessor of a node that is none", async () => {
    const nodes = await cluster();
    for (const [replica, epoch] of [
      [2, 1],
      [1, 9],
      [77, 1],
    ]) {
      const client = await RawClient.welcomed(nodes.transport, "n2", { replica, epoch, target: 2 });
      expect(client.welcome).toBeUndefined();
      expect(await client.refusal()).toBe("NODE_BEHIND");
    }
    await expectServing(nodes);
  });

  it("tells whoever looks for the node that was here before who is here now, and ends", async () => {
    const nodes = await cluster();
    const client = await RawClient.welcomed(nodes.transport, "n2", { replica: 1, epoch: 1, target: 9 });
    expect(client.welcome).toMatchObject({ replica: 2, epoch: 1 });
    await until(() => client.isClosed);
    await expectServing(nodes);
  });

  it("that is never finished holds nothing up, and is ended", async () => {
    const nodes = await cluster({ nodes: 1 });
    const silent = await Promise.all(Array.from({ length: 50 }, () => RawClient.connect(nodes.transport, "n1")));
    const halfway = await RawClient.connect(nodes.transport, "n1");
    halfway.send(hello);
    await expectServing(nodes);
    await until(() => halfway.isClosed && silent.every((client) => client.isClosed));
    expect(nodes.hosts[0].connections.size).toBe(0);
    expect(nodes.warnings.filter((warning) => warning.includes("TIMEOUT"))).toHaveLength(REFUSALS_TOLD_PER_SECOND_MAX);
  });
});

describe("clients that go away", () => {
  it("in the middle of requests leave nothing behind, whatever the requests wait for", async () => {
    const nodes = await cluster();
    let release = (): void => undefined;
    nodes.store.readGate = new Promise((resolve) => (release = resolve));
    for (let round = 0; round < 20; round++) {
      const client = await RawClient.welcomed(nodes.transport, "n1");
      client.send((out) => {
        for (let id = 1; id <= 50; id++) get(id, `missing ${round} ${id}`)(out);
        write(90, [{}], 3)(out);
        write(91, [{}], 2)(out);
        frame(GET_MANY, 92, (many) => (many.varint(2), many.text("missing"), many.text(`missing ${round}`)))(out);
      });
      await Promise.resolve();
      client.connection.close();
    }
    release();
    await expectServing(nodes);
    await until(() => nodes.hosts[0].connections.size === 1 && nodes.hosts[0].waiters.length === 0 && nodes.hosts[0].loads.length === 0);
  });

  it("in the middle of a frame leave nothing behind", async () => {
    const nodes = await cluster({ nodes: 1 });
    for (const length of [1, 3, 4, 9, 10, 30]) {
      const client = await RawClient.welcomed(nodes.transport, "n1");
      client.send((out) => {
        write(1, [{ value: new Uint8Array(1000) }])(out);
        out.length = length;
      });
      client.connection.close();
    }
    await expectServing(nodes);
    await until(() => nodes.hosts[0].connections.size === 0);
  });
});

describe("frames in pieces", () => {
  it("are read however the stream is cut", async () => {
    const nodes = await cluster({ nodes: 1 });
    const client = await RawClient.welcomed(nodes.transport, "n1");
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(3000), { minLength: 1, maxLength: 5 }), fc.array(fc.nat(), { maxLength: 8 }), async (sizes, cuts) => {
        const out = new ByteWriter();
        sizes.forEach((size, index) => write(index + 1, [{ value: new Uint8Array(size) }])(out));
        const bytes = out.copy();
        const places = [0, ...cuts.map((cut) => cut % bytes.length).sort((a, b) => a - b), bytes.length];
        client.frames.length = 0;
        for (let index = 1; index < places.length; index++) {
          client.send(bytes.slice(places[index - 1], places[index]));
          await Promise.resolve();
        }
        for (let id = 1; id <= sizes.length; id++) expect((await client.answer(id)).type).toBe(WRITTEN);
      }),
      { numRuns: 50 },
    );
    await expectServing(nodes);
  });
});

describe("mutated frames", () => {
  /** What a real client and real ring links say, without their handshakes. */
  async function record(): Promise<{ client: Uint8Array[]; ring: Uint8Array[] }> {
    const transport = new CutTransport(memoryTransport());
    const nodes = await cluster({ transport });
    const through = new CutTransport(transport);
    const mesh = await nodes.connect({ transport: through });
    const session = mesh.session();
    for (let round = 0; round < 5; round++) {
      await session.set(`key ${round}`, { round }, { durability: "everywhere", ttl: "1h" });
      await session.getEntry(`key ${round}`);
      const moved = mesh.session(await session.token(), { node: "n2" });
      await moved.setMany(
        [
          ["a", round],
          ["b", round],
        ],
        { durability: "replicated" },
      );
      await moved.getMany(["a", "b", "c"]);
      await moved.delete("a");
      await moved.increment("n");
      await moved.addMembers("s", ["a", "b"]);
      await moved.removeMembers("s", ["a"]);
    }
    await mesh.status();
    const ring = transport.tapped.filter((tapped) => !through.tapped.some((client) => client.connection === tapped.connection));
    return { client: through.tapped.flatMap((tapped) => tapped.sent.slice(2)), ring: ring.flatMap((tapped) => tapped.sent.slice(2)) };
  }

  const mutation = fc.record({
    piece: fc.nat(),
    mutations: fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 3 }),
    drop: fc.nat(10),
    repeat: fc.boolean(),
  });

  function mutate(
    pieces: readonly Uint8Array[],
    { piece, mutations, drop, repeat }: { piece: number; mutations: readonly (readonly [number, number])[]; drop: number; repeat: boolean },
  ): Uint8Array[] {
    const bytes = pieces[piece % pieces.length].slice();
    for (const [at, value] of mutations) bytes[at % bytes.length] = value;
    const cut = drop === 0 ? bytes.subarray(0, bytes.length >> 1) : bytes;
    return repeat ? [cut, bytes] : [cut];
  }

  it("of a client end its connection or are answered; the node goes on", async () => {
    const { client: pieces } = await record();
    expect(pieces.length).toBeGreaterThan(10);
    const nodes = await cluster();
    await fc.assert(
      fc.asyncProperty(mutation, async (given) => {
        const client = await RawClient.welcomed(nodes.transport, nodes.addresses[given.piece % 3]);
        for (const bytes of mutate(pieces, given)) client.send(bytes);
        client.send(get(0x7fff_fff0, "k"));
        // There may be no answer: a length that was raised makes the node wait for the rest.
        for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
        client.connection.close();
        expect(nodes.fatals).toEqual([]);
      }),
      { numRuns: 600 },
    );
    // A changed context may name writes that never were as what a session wrote; who proved the secret is believed. Reads and writes go on.
    const mesh = await nodes.connect();
    for (const node of nodes.addresses) {
      const session = mesh.session(undefined, { node });
      await session.set("alive", node, { durability: "memory" });
      expect(await session.get("alive")).toBe(node);
    }
    expect(nodes.fatals).toEqual([]);
  });

  it("of the predecessor end the link or are taken; the node goes on", async () => {
    const { ring: pieces } = await record();
    expect(pieces.length).toBeGreaterThan(10);
    await fc.assert(
      fc.asyncProperty(fc.array(mutation, { minLength: 1, maxLength: 10 }), async (all) => {
        const nodes = await cluster();
        const link = await RawClient.welcomed(nodes.transport, "n2", { replica: 1, epoch: 1 });
        for (const given of all) for (const bytes of mutate(pieces, given)) link.send(bytes);
        await Promise.resolve();
        const mesh = await nodes.connect({ nodes: ["n2"] });
        const session = mesh.session(undefined, { node: "n2" });
        await session.set("alive", 1, { durability: "memory" });
        expect(await session.get("alive")).toBe(1);
        link.connection.close();
        await mesh.close();
        expect(nodes.fatals).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });

  it("of a node end the client's link, never its program; the session goes on", async () => {
    const inner = memoryTransport();
    const nodes = await cluster({ transport: inner });
    const through = new CutTransport(inner);
    const mesh = await nodes.connect({ transport: through });
    const session = mesh.session();
    await session.set("k", "value", { durability: "everywhere" });
    await fc.assert(
      fc.asyncProperty(fc.nat(60), fc.nat(0xff), fc.nat(3), fc.uint8Array({ maxLength: 60 }), async (type, flags, id, payload) => {
        const [tapped] = through.to(session.node);
        const out = new ByteWriter();
        frame(type, id, (body) => body.raw(payload), flags)(out);
        tapped?.events.data(out.copy());
        expect(await session.get("k")).toBe("value");
      }),
      { numRuns: 50 },
    );
    await expectServing(nodes);
  });
});
