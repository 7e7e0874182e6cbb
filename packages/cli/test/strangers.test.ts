// Strangers at the door of a node that runs in a process of its own, over real sockets, with TLS and without: a great deal of garbage, connections
// that never say anything, and handshakes that are never finished or were heard elsewhere. None gets in, the node does not grow, and an honest
// client is served meanwhile. How many: CAUSALMESH_STRANGERS, with the seed CAUSALMESH_STRANGERS_SEED.

import { once } from "node:events";
import { connect as dial, createServer, type AddressInfo, type Socket } from "node:net";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { connect as dialTls } from "node:tls";
import { limits, type Mesh } from "@causalmesh/core";
import { SeededRandom } from "@causalmesh/core/testing";
import { certificate, type KeyPair } from "@causalmesh/test-servers";
import { connect } from "@causalmesh/transport-tcp";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { temporaryFolder } from "./folder.js";
import { started } from "./program.js";

const secret = "the secret of this test's mesh";
const STRANGERS = Number(process.env.CAUSALMESH_STRANGERS ?? 3_000);
const HELLO = 1;
const PROOF = 3;
const WELCOME = 4;

let ca: KeyPair;
let node: KeyPair;

beforeAll(async () => {
  ca = await certificate({ toDays: 10 });
  node = await certificate({ ca });
});

interface Target {
  readonly port: number;
  readonly tls: { readonly ca: string } | undefined;
  /** Resident memory of the node's process. */
  residentBytes(): Promise<number>;
  log(): string;
}

async function target(isTls: boolean): Promise<Target> {
  const folder = temporaryFolder({ "node.pem": node.cert, "node.key": node.key });
  const flags = isTls ? ["--tls-cert", join(folder, "node.pem"), "--tls-key", join(folder, "node.key")] : [];
  const running = await started("node", "start", "--store", "memory:", "--listen", "127.0.0.1:0", "--cache-bytes", "8388608", ...flags);
  return {
    port: Number(new URL(running.nodes[0]).port),
    tls: isTls ? { ca: ca.cert } : undefined,
    residentBytes: async () => {
      const metrics = await (await fetch(`${running.admin[0]}/metrics`)).text();
      return Number(/^process_resident_memory_bytes (\S+)$/m.exec(metrics)![1]);
    },
    log: running.log,
  };
}

async function honest({ port, tls }: Target): Promise<Mesh> {
  const mesh = await connect({ nodes: [`127.0.0.1:${port}`], secret, tls, timeoutMs: 30_000 });
  onTestFinished(() => mesh.close());
  return mesh;
}

function frame(type: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(10);
  head.writeUInt32LE(payload.length + 6, 0);
  head[4] = type;
  return Buffer.concat([head, payload]);
}

const hello = (nonce: Uint8Array): Buffer => frame(HELLO, Buffer.concat([Buffer.from("CMSM\u0002\0"), nonce, Buffer.alloc(12)]));

/** What a stranger says; `true` at the end where it then waits for the node to end the connection. */
function garbage(random: SeededRandom): [bytes: Uint8Array, waits: boolean] {
  const bytes = (most: number): Buffer => Buffer.from(Array.from({ length: Math.floor(random.next() * most) }, () => Math.floor(random.next() * 256)));
  const nonce = Buffer.from(Array.from({ length: 16 }, () => Math.floor(random.next() * 256)));
  const proof = Buffer.concat([Buffer.from([32]), nonce, nonce]);
  const huge = Buffer.alloc(10);
  huge.writeUInt32LE(random.next() < 0.5 ? 0xffff_ffff : limits.HANDSHAKE_BYTES_MAX + 1, 0);
  const kinds: [Uint8Array, boolean][] = [
    [bytes(2000), false],
    [Buffer.alloc(0), false],
    [hello(nonce), false],
    [hello(nonce).subarray(0, Math.floor(random.next() * 40)), false],
    [Buffer.concat([hello(nonce), frame(PROOF, proof)]), true],
    [Buffer.concat([hello(nonce), frame(PROOF, Buffer.from([0]))]), true],
    [Buffer.concat([hello(nonce), hello(nonce)]), true],
    [frame(16, Buffer.from("\0\0\0key")), true],
    [huge, true],
    [Buffer.from("GET / HTTP/1.1\r\nhost: localhost\r\n\r\n"), true],
    [Buffer.from("160301020001000001fc0303", "hex"), false],
  ];
  return kinds[Math.floor(random.next() * kinds.length)];
}

/** Whether a WELCOME came, among the frames that a node has sent. */
function isWelcomed(answer: Buffer): boolean {
  for (let at = 0; at + 10 <= answer.length; at += 4 + answer.readUInt32LE(at)) if (answer[at + 4] === WELCOME) return true;
  return false;
}

/** One stranger, from the first byte to the last; without TLS also where the node speaks it. */
async function stranger(at: Target, [bytes, waits]: [Uint8Array, boolean], speaksTls: boolean): Promise<Buffer> {
  const raw = dial(at.port, "127.0.0.1").on("error", () => undefined);
  const socket = speaksTls && at.tls !== undefined ? dialTls({ socket: raw, host: "127.0.0.1", ...at.tls }).on("error", () => raw.destroy()) : raw;
  const closed = new Promise((resolve) => raw.once("close", resolve));
  const pieces: Buffer[] = [];
  socket.on("data", (piece: Buffer) => pieces.push(piece));
  socket.write(bytes, () => {
    // A reset leaves no port behind that would be missing for the next ones.
    if (!waits) raw.resetAndDestroy();
  });
  socket.once("end", () => raw.resetAndDestroy());
  await closed;
  return Buffer.concat(pieces);
}

describe.each([
  ["without TLS", false],
  ["with TLS", true],
])("a node %s", (_, isTls) => {
  it("lets none of many strangers in, serves an honest client meanwhile, does not grow, and does not fill its log", async () => {
    const seed = Number(process.env.CAUSALMESH_STRANGERS_SEED ?? Math.floor(Math.random() * 2 ** 32));
    console.log(`${STRANGERS} strangers: CAUSALMESH_STRANGERS_SEED=${seed}`);
    const random = new SeededRandom(seed);
    // Agreeing on TLS takes so much of the processor that more at a time would be a test of the machine, and of this process, which is both ends' client.
    const [count, atATime] = isTls ? [STRANGERS / 5, 20] : [STRANGERS, 100];
    const at = await target(isTls);
    const session = (await honest(at)).session();
    let come = 0;
    let isOver = false;
    let welcomed = 0;
    const flood = async (upTo: number): Promise<void> => {
      while (come < upTo) {
        come += 1;
        if (isWelcomed(await stranger(at, garbage(random), random.next() < 0.5))) welcomed += 1;
      }
    };
    const abreast = (upTo: number): Promise<unknown> => Promise.all(Array.from({ length: atATime }, () => flood(upTo)));
    const serving = async (): Promise<number> => {
      let served = 0;
      for (; !isOver; served++) {
        await session.set("k", served);
        expect(await session.get("k")).toBe(served);
        // Whoever comes anew gets in too.
        if (served % 50 === 0) expect(await (await honest(at)).session().has("k")).toBe(true);
      }
      return served;
    };
    const served = serving();
    served.catch(() => undefined);
    // The heap grows to what it needs; what counts is that it then stays.
    await abreast(count / 2);
    const warm = await at.residentBytes();
    const begin = performance.now();
    const loggedBefore = at.log().length;
    await abreast(count);
    const seconds = (performance.now() - begin) / 1000;
    isOver = true;
    const grown = (await at.residentBytes()) - warm;
    console.log(`${Math.round(count / 2 / seconds)} strangers a second, ${await served} calls served, ${Math.round(grown / 1024)} KiB more resident memory`);
    expect(welcomed).toBe(0);
    expect(await served).toBeGreaterThan(5);
    expect(grown).toBeLessThan(64 * 1024 * 1024);
    const lines = at.log().slice(loggedBefore).split("\n").length;
    expect(lines).toBeLessThan((seconds + 2) * (limits.REFUSALS_TOLD_PER_SECOND_MAX + 2));
  }, 3_600_000);

  it("ends connections that say nothing, or next to nothing, and lets honest clients in while there are more of them than it waits for", async () => {
    const at = await target(isTls);
    const sockets: Socket[] = [];
    let open = 0;
    onTestFinished(() => sockets.forEach((socket) => socket.destroy()));
    const come = async (): Promise<void> => {
      const socket = dial(at.port, "127.0.0.1").on("error", () => undefined);
      sockets.push(socket);
      await once(socket, "connect");
      open += 1;
      socket.resume().once("close", () => (open -= 1));
    };
    for (let count = 0; count < limits.STRANGERS_MAX + 500; count += 100) await Promise.all(Array.from({ length: 100 }, come));
    // Some go on for ever with a frame of 4 KiB, a byte at a time: that gives them no more time than the others.
    const dripping = setInterval(() => {
      for (const socket of sockets.slice(-50)) if (socket.writable) socket.write(Buffer.from([socket.bytesWritten === 1 ? 16 : 0]));
    }, 100);
    onTestFinished(() => clearInterval(dripping));
    const mesh = await honest(at);
    await mesh.session().set("k", 1);
    await expect.poll(() => open, { timeout: 30_000 }).toBe(0);
    expect(await mesh.session().get("k")).toBe(1);
  }, 60_000);
});

it("a handshake that was heard is good for nobody else", async () => {
  const at = await target(false);
  const heard: Buffer[] = [];
  const ear = createServer((socket) => {
    const through = dial(at.port, "127.0.0.1");
    socket
      .on("data", (piece) => heard.push(piece))
      .pipe(through)
      .pipe(socket);
    for (const end of [socket, through]) end.on("error", () => undefined).on("close", () => (socket.destroy(), through.destroy()));
  });
  ear.listen(0, "127.0.0.1");
  await once(ear, "listening");
  onTestFinished(() => void ear.close());
  const through = `127.0.0.1:${(ear.address() as AddressInfo).port}`;
  const mesh = await connect({ nodes: [through], secret });
  await mesh.session(undefined, { node: through }).set("k", "said once");
  await mesh.close();
  const said = Buffer.concat(heard);
  expect(said.includes("said once")).toBe(true);
  const answer = await stranger(at, [said, true], false);
  expect([isWelcomed(answer), answer.includes("UNAUTHENTICATED")]).toEqual([false, true]);
});
