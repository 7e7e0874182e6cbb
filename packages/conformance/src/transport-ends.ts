// Claims about how connections end: what was sent before arrives, `closed` comes once and last, an own close is silent.

import { assert, assertEqual, assertRejects, sameBytes } from "./case.js";
import { pattern, quiet, until, type End, type TransportClaim } from "./transport-setup.js";

const MEBIBYTE = 1024 * 1024;

/** The end was told once that the other side ended as it should. */
async function endsCleanly(end: End, claim: string): Promise<void> {
  await until(() => end.endings.length > 0, `${claim}: closed did not come`);
  await quiet();
  assertEqual(end.endings, [undefined], `${claim}: the endings`);
}

export const END_CLAIMS: readonly TransportClaim[] = [
  {
    name: "close: the other end is told once, without an error; the closing one is not",
    check: async (bench) => {
      for (const side of ["near", "far"] as const) {
        const { near, far } = await bench.link();
        const [closing, other] = side === "near" ? [near, far] : [far, near];
        closing.close();
        await endsCleanly(other, `closed by the ${side} end`);
        assertEqual(closing.endings, [], "the endings at the end that closed");
      }
    },
  },
  {
    name: "close: what was sent before arrives first, all of it",
    check: async (bench) => {
      const { near, far } = await bench.link();
      near.send(pattern(4 * MEBIBYTE));
      near.send(pattern(100, 1));
      near.close();
      await endsCleanly(far, "after 4 MiB");
      assertEqual(far.receivedBytes, 4 * MEBIBYTE + 100, "bytes received");
      assert(sameBytes(far.received().subarray(0, 4 * MEBIBYTE), pattern(4 * MEBIBYTE)), "what arrived before the end is not what was sent");
    },
  },
  {
    name: "close: a paused end gets the rest and then the end, after resume",
    check: async (bench) => {
      const { near, far } = await bench.link();
      far.pause();
      near.send(pattern(10_000));
      near.close();
      await quiet();
      assertEqual([far.receivedBytes, far.endings.length], [0, 0], "bytes and endings while paused");
      far.resume();
      await endsCleanly(far, "after resume");
      assertEqual(far.receivedBytes, 10_000, "bytes received");
    },
  },
  {
    name: "close: no event comes to the end that closed, whatever the other one does",
    check: async (bench) => {
      const { near, far } = await bench.link();
      near.send(pattern(100));
      near.close();
      far.send(pattern(MEBIBYTE));
      await until(() => far.endings.length > 0, "closed at the other end");
      await quiet();
      assertEqual([near.receivedBytes, near.drains, near.endings.length], [0, 0, 0], "bytes, drains and endings after the own close");
    },
  },
  {
    name: "close: a second time, or pause and resume after it, is harmless; sending says true",
    check: async (bench) => {
      const { near, far } = await bench.link();
      near.close();
      near.close();
      near.pause();
      near.resume();
      assertEqual(near.send(pattern(100)), true, "what send says after the own close");
      await endsCleanly(far, "closed twice");
      assertEqual(far.receivedBytes, 0, "bytes that were sent after the close");
    },
  },
  {
    name: "close: after the other end closed, sending says true and close is harmless",
    check: async (bench) => {
      const { near, far } = await bench.link();
      far.close();
      await endsCleanly(near, "closed by the other end");
      assertEqual(near.send(pattern(100_000)), true, "what send says after closed");
      near.pause();
      near.resume();
      near.close();
      await quiet();
      assertEqual([near.drains, near.endings.length], [0, 1], "drains and endings");
    },
  },
  {
    name: "close: inside data it stops further data",
    check: async (bench) => {
      const { near, far } = await bench.link(undefined, { data: (end) => end.close() });
      for (let index = 0; index < 20; index++) near.send(pattern(50_000, index));
      await until(() => near.endings.length > 0, "closed at the sender");
      await quiet();
      assert(far.receivedBytes > 0, "no data came before the close");
      assertEqual(far.endings, [], "the endings at the end that closed");
    },
  },
  {
    name: "close: inside closed and inside drained it is harmless",
    check: async (bench) => {
      const { near, far } = await bench.link({ closed: (end) => end.connection.close() }, { drained: (end) => end.close() });
      near.pause();
      for (let index = 0; index < 1024 && far.send(pattern(256 * 1024, index)); index++);
      near.resume();
      await endsCleanly(near, "closed from drained");
    },
  },
  {
    name: "close: by both ends at once is silent at both",
    check: async (bench) => {
      const { near, far } = await bench.link();
      near.close();
      far.close();
      await quiet();
      assertEqual([near.endings.length, far.endings.length], [0, 0], "the endings");
    },
  },
  {
    name: "close: by the receiver in the middle of a large transfer ends the sender, once and last",
    check: async (bench) => {
      let closed = false;
      const reactions = {
        data: (end: End) => {
          if (end.receivedBytes < MEBIBYTE) return;
          closed = true;
          end.close();
        },
      };
      const { near } = await bench.link(undefined, reactions);
      // Small pieces over time, so that the end comes while there is more to send.
      for (let index = 0; near.endings.length === 0; index++) {
        near.send(pattern(64 * 1024, index));
        if (index % 8 === 7) await new Promise((resolve) => setTimeout(resolve, 1));
        assert(index < 100_000, "the sender was never told that the receiver had closed");
      }
      await quiet();
      assertEqual([closed, near.endings.length], [true, 1], "whether the receiver closed, and the sender's endings");
      const [error] = near.endings;
      if (error !== undefined) await assertRejects(Promise.reject(error), ["NODE_UNREACHABLE"], "the sender's ending");
    },
  },
  {
    name: "close: in accept turns a connection away; in open it ends one that was taken",
    check: async (bench) => {
      const turnsAway = await bench.listen((end) => end.close());
      const turned = await bench.connect(turnsAway.address);
      await endsCleanly(turned, "turned away");
      const accepted: End[] = [];
      const listener = await bench.listen((end) => accepted.push(end));
      await bench.connect(listener.address, {}, (end) => end.close());
      await until(() => accepted.length === 1 && accepted[0].endings.length > 0, "closed at the accepted end");
      await endsCleanly(accepted[0], "closed in open");
    },
  },
  {
    name: "close: of one connection leaves the others alone",
    check: async (bench) => {
      const accepted: End[] = [];
      const listener = await bench.listen((end) => accepted.push(end));
      const ends = [await bench.connect(listener.address), await bench.connect(listener.address), await bench.connect(listener.address)];
      await until(() => accepted.length === 3, "three connections");
      ends[1].close();
      await until(() => accepted.some((end) => end.endings.length === 1), "closed at the other end");
      for (const end of ends) end.send(pattern(100));
      await until(() => accepted.filter((end) => end.receivedBytes === 100).length === 2, "bytes over the two others");
      assertEqual(accepted.filter((end) => end.endings.length === 1).length, 1, "how many were closed");
    },
  },
];
