// Claims about listening and connecting: which errors come, and that many connections keep apart.

import type { Connection, ConnectionEvents } from "@causalmesh/core";
import { assert, assertEqual, assertRejects } from "./case.js";
import { CONNECT_TIMEOUT_MS, echo, pattern, quiet, until, type End, type TransportBench, type TransportClaim } from "./transport-setup.js";

const CONNECTIONS = 64;

/** An address where somebody listened and nobody does now. */
async function deserted(bench: TransportBench): Promise<string> {
  const listener = await bench.listen(() => undefined);
  await listener.close();
  return listener.address;
}

/** Connects to an address where that must fail; `open` may not be called. */
async function refused({ setup: { transport } }: TransportBench, address: string, timeoutMs = CONNECT_TIMEOUT_MS): Promise<void> {
  let opened: Connection | undefined;
  const events = { data: () => undefined, drained: () => undefined, closed: () => undefined };
  const open = (connection: Connection): ConnectionEvents => {
    opened = connection;
    return events;
  };
  try {
    await transport.connect(address, open, timeoutMs);
  } finally {
    opened?.close();
    assert(opened === undefined, `open was called for ${JSON.stringify(address)}, where nobody takes connections`);
  }
}

export const ADDRESS_CLAIMS: readonly TransportClaim[] = [
  {
    name: "connect: where nobody listens it rejects with NODE_UNREACHABLE",
    check: async (bench) => {
      const error = await assertRejects(refused(bench, await deserted(bench)), ["NODE_UNREACHABLE"], "connecting where nobody listens");
      assertEqual((error as { retryable?: boolean }).retryable, true, "whether it is worth trying again");
    },
  },
  {
    name: "connect: where nobody answers it rejects with TIMEOUT",
    skip: ({ silentAddress }) => (silentAddress === undefined ? "connections are taken or refused at once" : undefined),
    check: async (bench) => {
      const { address, release } = await bench.setup.silentAddress!();
      try {
        await assertRejects(refused(bench, address, 200), ["TIMEOUT"], "connecting where nobody answers");
      } finally {
        await release();
      }
    },
  },
  {
    name: "address: one that cannot be read is ADDRESS_INVALID, to listen at and to connect to",
    check: async (bench) => {
      for (const address of bench.setup.invalidAddresses) {
        await assertRejects(refused(bench, address), ["ADDRESS_INVALID"], `connecting to ${JSON.stringify(address)}`);
        await assertRejects(
          bench.listen(() => undefined, {}, address),
          ["ADDRESS_INVALID"],
          `listening at ${JSON.stringify(address)}`,
        );
      }
    },
  },
  {
    name: "listen: at an address in use it rejects with ADDRESS_IN_USE, and the first listener goes on",
    check: async (bench) => {
      const accepted: End[] = [];
      const { address } = await bench.listen((end) => accepted.push(end));
      await assertRejects(
        bench.listen(() => undefined, {}, address),
        ["ADDRESS_IN_USE"],
        "listening at an address in use",
      );
      await bench.connect(address);
      await until(() => accepted.length === 1, "a connection to the first listener");
    },
  },
  {
    name: "listen: after close the address is free, new connections are refused and accepted ones stay",
    check: async (bench) => {
      const { listener, near, far } = await bench.link(undefined, echo);
      await listener.close();
      await assertRejects(refused(bench, listener.address), ["NODE_UNREACHABLE"], "connecting after close");
      near.send(pattern(1000));
      await until(() => near.receivedBytes === 1000, "an answer over the accepted connection");
      assertEqual(far.endings, [], "the endings of the accepted connection");
      const accepted: End[] = [];
      await bench.listen((end) => accepted.push(end), {}, listener.address);
      await bench.connect(listener.address);
      await until(() => accepted.length === 1, "a connection to the new listener");
    },
  },
  {
    name: "listen: closing one listener leaves the others alone",
    check: async (bench) => {
      const [one, two] = [await bench.listen(() => undefined), await bench.listen(() => undefined)];
      assert(one.address !== two.address, `two listeners have one address, ${one.address}`);
      await one.close();
      await bench.connect(two.address);
    },
  },
  {
    name: `connections: ${CONNECTIONS} at once keep apart`,
    check: async (bench) => {
      const listener = await bench.listen(() => undefined, echo);
      const ends = await Promise.all(Array.from({ length: CONNECTIONS }, () => bench.connect(listener.address)));
      for (let round = 0; round < 10; round++) ends.forEach((end, index) => end.send(new Uint8Array(500).fill(index)));
      await until(() => ends.every((end) => end.receivedBytes >= 5000), "the answers over all connections");
      await quiet();
      ends.forEach((end, index) => assertEqual(end.received(), new Uint8Array(5000).fill(index), `the answers over connection ${index}`));
    },
  },
  {
    name: "connections: opened and closed one after the other, 200 times",
    check: async (bench) => {
      let endings = 0;
      const listener = await bench.listen(() => undefined, { closed: () => endings++ });
      for (let index = 0; index < 200; index++) {
        const end = await bench.connect(listener.address);
        end.send(pattern(100));
        end.close();
      }
      await until(() => endings === 200, "the endings of 200 connections");
    },
  },
];
