// Claims about the bytes: all of them arrive, in order, once, however they were cut, and a full way says so.

import { assert, assertEqual, sameBytes } from "./case.js";
import { withSeed, type SeededRandom } from "./seeded-random.js";
import { echo, pattern, quiet, until, type End, type Link, type TransportClaim } from "./transport-setup.js";

const MEBIBYTE = 1024 * 1024;
/** More than any transport may take from a sender whose receiver reads nothing. */
const FLOOD_BYTES_MAX = 256 * MEBIBYTE;
const PIECE_BYTES = 256 * 1024;

/** Waits for as many bytes as were sent and compares them. */
async function arrives(end: End, sent: Uint8Array, what: string): Promise<void> {
  await until(() => end.receivedBytes >= sent.length, `${what}: ${sent.length} bytes were sent`);
  assert(sameBytes(end.received(), sent), `${what}: what arrived is not what was sent, or not in that order`);
}

/** Sends the bytes in pieces of random length, some in one tick and some not. */
async function sendInPieces(end: End, bytes: Uint8Array, random: SeededRandom): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const length = random.pick([1, 2, 7, 100, 1000, 16_384, 70_000]);
    end.send(bytes.slice(at, at + length));
    at += length;
    if (random.below(4) === 0) await new Promise((resolve) => setTimeout(resolve, 0));
  }
}

/** Sends until `send` says that the way is full, which it stays, and returns what was sent. */
async function flood({ near }: Link): Promise<Uint8Array[]> {
  const sent: Uint8Array[] = [];
  for (let bytes = 0; bytes < FLOOD_BYTES_MAX; bytes += PIECE_BYTES) {
    const piece = pattern(PIECE_BYTES, sent.length);
    sent.push(piece.slice());
    const { drains } = near;
    if (!near.send(piece)) {
      // What is handed on a little later may have had room after all.
      await quiet();
      if (near.drains === drains) return sent;
    }
    // So that a transport that hands bytes on in a later turn has one.
    if (sent.length % 16 === 0) await new Promise((resolve) => setTimeout(resolve, 0));
  }
  throw new Error(`send took ${FLOOD_BYTES_MAX} bytes for a receiver that reads nothing, and never returned false`);
}

const concat = (pieces: readonly Uint8Array[]): Uint8Array => {
  const all = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
};

export const BYTE_CLAIMS: readonly TransportClaim[] = [
  {
    name: "bytes: they arrive at both ends",
    check: async (bench) => {
      const { near, far } = await bench.link();
      near.send(pattern(300, 1));
      far.send(pattern(500, 2));
      await arrives(far, pattern(300, 1), "from the end that connected");
      await arrives(near, pattern(500, 2), "from the end that was accepted");
      assert(near.connection.remote !== "" && far.connection.remote !== "", "a connection does not say where its other end is");
    },
  },
  {
    name: "bytes: what either end sends while the connection opens arrives",
    check: async (bench) => {
      const accepted: End[] = [];
      const listener = await bench.listen((end) => {
        accepted.push(end);
        end.send(pattern(10, 1));
      });
      const near = await bench.connect(listener.address, {}, (end) => void end.send(pattern(20, 2)));
      await arrives(near, pattern(10, 1), "sent in accept");
      await until(() => accepted.length === 1, "accept was not called");
      await arrives(accepted[0], pattern(20, 2), "sent in open");
    },
  },
  {
    name: "bytes: order and content hold for pieces of any length, in both directions at once",
    check: async (bench) =>
      await withSeed(bench.seed, async (random) => {
        const { near, far } = await bench.link();
        const [forth, back] = [pattern(2 * MEBIBYTE, 3), pattern(2 * MEBIBYTE, 4)];
        await Promise.all([sendInPieces(near, forth, random), sendInPieces(far, back, random)]);
        await arrives(far, forth, "forth");
        await arrives(near, back, "back");
      }),
  },
  {
    name: "bytes: sending none is harmless and says true",
    check: async (bench) => {
      const { near, far } = await bench.link();
      assertEqual(near.send(new Uint8Array(0)), true, "what send says of no bytes");
      near.send(pattern(5));
      near.send(new Uint8Array(0));
      await arrives(far, pattern(5), "around empty sends");
    },
  },
  {
    name: "bytes: 8 MiB in one send arrive whole",
    check: async (bench) => {
      const { near, far } = await bench.link();
      const sent = pattern(8 * MEBIBYTE);
      if (!near.send(sent)) await until(() => near.drains === 1, "send returned false and drained did not come");
      assertEqual(near.connection.buffered === 0 || near.drains === 0, true, "that nothing is buffered after drained");
      await arrives(far, pattern(8 * MEBIBYTE), "8 MiB");
    },
  },
  {
    name: "bytes: an array belongs to the caller again when send returned true, otherwise with drained",
    check: async (bench) => {
      const kept: Uint8Array[] = [];
      const { near, far } = await bench.link({ drained: () => kept.splice(0).forEach((bytes) => bytes.fill(0xee)) });
      const sent: Uint8Array[] = [];
      for (let index = 0; index < 400; index++) {
        const piece = pattern(index % 9 === 0 ? 300_000 : 1 + ((index * 97) % 3000), index);
        sent.push(piece.slice());
        if (near.send(piece)) piece.fill(0xdd);
        else kept.push(piece);
        if (index % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 0));
      }
      await arrives(far, concat(sent), "arrays that were written to after they were given back");
    },
  },
  {
    name: "bytes: a thousand questions and answers, one at a time",
    check: async (bench) => {
      const { near } = await bench.link(undefined, echo);
      for (let index = 1; index <= 1000; index++) {
        near.send(new Uint8Array(7).fill(index & 0xff));
        await until(() => near.receivedBytes === 7 * index, `answer ${index}`);
      }
    },
  },
  {
    name: "backpressure: a receiver that reads nothing makes send say false; drained follows when it reads",
    check: async (bench) => {
      const link = await bench.link();
      const { near, far } = link;
      far.pause();
      const sent = await flood(link);
      const { drains } = near;
      assert(near.connection.buffered > 0, "send returned false with nothing buffered");
      await quiet();
      assertEqual(near.drains, drains, "how often drained came while nobody read");
      far.resume();
      await until(() => near.drains === drains + 1, "drained after the receiver read on");
      await arrives(far, concat(sent), "what filled the way");
      await quiet();
      assertEqual(near.drains, drains + 1, "how often drained came");
    },
  },
  {
    name: "backpressure: drained comes only after a send that said false",
    check: async (bench) => {
      const { near, far } = await bench.link();
      let refused = 0;
      for (let index = 0; index < 20; index++) {
        if (!near.send(pattern(100))) refused++;
        await until(() => far.receivedBytes === 100 * (index + 1), "small sends");
      }
      await quiet();
      assert(near.drains <= refused, `drained came ${near.drains} times after ${refused} sends that said false`);
    },
  },
  {
    name: "backpressure: sending on from drained carries everything",
    check: async (bench) => {
      const total = 64;
      let next = 0;
      const fill = (end: End): void => {
        while (next < total && end.send(pattern(PIECE_BYTES, next++)));
      };
      const { near, far } = await bench.link({ drained: fill });
      fill(near);
      await arrives(far, concat(Array.from({ length: total }, (_, index) => pattern(PIECE_BYTES, index))), "16 MiB");
    },
  },
  {
    name: "pause: no data until resume, then all of it in order",
    check: async (bench) => {
      const { near, far } = await bench.link();
      near.send(pattern(100, 0));
      await arrives(far, pattern(100, 0), "before the pause");
      far.pause();
      near.send(pattern(50_000, 1));
      near.send(pattern(50_000, 2));
      await quiet();
      assertEqual(far.receivedBytes, 100, "bytes received while paused");
      far.resume();
      await arrives(far, concat([pattern(100, 0), pattern(50_000, 1), pattern(50_000, 2)]), "after resume");
    },
  },
  {
    name: "pause: in the middle of data it holds at once, again and again",
    check: async (bench) => {
      let paused = false;
      let late = 0;
      const reactions = {
        data: (end: End) => {
          if (paused) late++;
          paused = true;
          end.pause();
          setTimeout(() => {
            paused = false;
            end.resume();
          }, 0);
        },
      };
      const { near, far } = await bench.link(undefined, reactions);
      const sent = Array.from({ length: 40 }, (_, index) => pattern(20_000, index));
      for (const piece of sent) near.send(piece.slice());
      await arrives(far, concat(sent), "through many pauses");
      assertEqual(late, 0, "pieces that came while paused");
    },
  },
  {
    name: "pause: one end's pause does not hold back what it sends, nor other connections",
    check: async (bench) => {
      const [one, two] = [await bench.link(), await bench.link()];
      one.far.pause();
      one.near.send(pattern(1000));
      one.far.send(pattern(1000, 1));
      two.near.send(pattern(1000, 2));
      await arrives(one.near, pattern(1000, 1), "from the end that paused");
      await arrives(two.far, pattern(1000, 2), "over another connection");
      assertEqual(one.far.receivedBytes, 0, "bytes received while paused");
    },
  },
];
