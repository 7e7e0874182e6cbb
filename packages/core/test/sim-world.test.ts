// The simulated world itself: a simulator whose parts do not behave as they say would find nothing, or find it in itself.

import { describe, expect, it } from "vitest";
import type { MeshError } from "../src/errors.js";
import type { Connection, ConnectionEvents } from "../src/transport.js";
import { EventQueue } from "../src/testing/event-queue.js";
import { SeededRandom } from "../src/testing/random.js";
import { SimulatedClock, WORLD_BEGINS_MS } from "../src/testing/simulated-clock.js";
import type { LinkBehaviour } from "../src/testing/simulated-pipe.js";
import { SimulatedStore, StoreContent } from "../src/testing/simulated-store.js";
import { SimulatedNetwork } from "../src/testing/simulated-transport.js";
import { Simulation } from "../src/testing/simulation.js";

const settle = () => new Promise<void>((resolve) => process.nextTick(resolve));
const STEADY: LinkBehaviour = { delayMs: 1, cutChance: 0, holdChance: 0, stallChance: 0, stallMs: 0 };
const ROUGH: LinkBehaviour = { delayMs: 2, cutChance: 0.5, holdChance: 0.3, stallChance: 0.1, stallMs: 50 };

describe("SeededRandom", () => {
  it("gives the same numbers for the same seed and others for another", () => {
    const draw = (seed: number) =>
      Array.from(
        { length: 20 },
        (
          (random) => () =>
            random.int(0, 1e6)
        )(new SeededRandom(seed)),
      );
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
    expect(draw(7)).not.toEqual(draw(7 + 2 ** 32));
  });

  it("spreads evenly, within its bounds, without depending on neighbouring seeds", () => {
    const firsts = Array.from({ length: 10_000 }, (_, seed) => new SeededRandom(seed).int(0, 9));
    for (let digit = 0; digit < 10; digit++) expect(firsts.filter((drawn) => drawn === digit).length).toBeGreaterThan(850);
    const random = new SeededRandom(1);
    const numbers = Array.from({ length: 10_000 }, () => random.magnitude(0.1, 10));
    expect(Math.min(...numbers)).toBeGreaterThanOrEqual(0.1);
    expect(Math.max(...numbers)).toBeLessThan(10);
    expect(numbers.filter((drawn) => drawn < 1).length / 10_000).toBeCloseTo(0.5, 1);
  });

  it("shuffles without losing anything and splits into independent streams", () => {
    const random = new SeededRandom(3);
    expect(random.shuffle([1, 2, 3, 4, 5]).sort()).toEqual([1, 2, 3, 4, 5]);
    expect(random.sample([1, 2, 3], 9)).toHaveLength(3);
    expect(random.split().next()).not.toBe(random.split().next());
  });
});

describe("EventQueue", () => {
  it("pops by time and, at equal times, in the order of scheduling", () => {
    const random = new SeededRandom(5);
    const queue = new EventQueue();
    const events = Array.from({ length: 500 }, (_, sequence) => ({ time: random.int(0, 20), sequence, task: () => {} }));
    for (const event of random.shuffle(events)) queue.push(event);
    const expected = [...events].sort((a, b) => a.time - b.time || a.sequence - b.sequence);
    expect(Array.from({ length: 500 }, () => queue.pop())).toEqual(expected);
    expect(queue.pop()).toBeUndefined();
  });
});

describe("Simulation", () => {
  it("settles promises, however long their chains, before the next event", async () => {
    const world = new Simulation(1, settle);
    const order: string[] = [];
    const chain = async () => {
      for (let turn = 0; turn < 1000; turn++) await Promise.resolve();
      order.push("chain");
    };
    world.schedule(1, () => void chain());
    world.schedule(1, () => void order.push("second"));
    await world.run(world.sleep(5));
    expect(order).toEqual(["chain", "second"]);
    expect(world.time).toBe(5);
  });

  it("does not call a cancelled task, and says so when nothing is left to happen", async () => {
    const world = new Simulation(1, settle);
    world.schedule(1, () => expect.unreachable("cancelled")).cancel();
    await expect(world.run(new Promise(() => {}))).rejects.toThrow("nothing is left to happen");
  });

  it("fails with what a task throws and with what the outcome rejects with", async () => {
    const thrower = new Simulation(1, settle);
    thrower.schedule(1, () => {
      throw new Error("in a task");
    });
    await expect(thrower.run(thrower.sleep(5))).rejects.toThrow("in a task");
    const world = new Simulation(1, settle);
    await expect(world.run(world.sleep(1).then(() => Promise.reject(new Error("in the run"))))).rejects.toThrow("in the run");
  });
});

describe("SimulatedClock", () => {
  it("skews, drifts and jumps the wall clock and leaves the monotonic one alone", async () => {
    const world = new Simulation(1, settle);
    const clock = new SimulatedClock(world, { offsetMs: -500, drift: 0.01 });
    expect(clock.now()).toBe(WORLD_BEGINS_MS - 500);
    await world.run(world.sleep(1000));
    expect(clock.now()).toBe(WORLD_BEGINS_MS - 500 + 1010);
    clock.jump(-2000);
    expect(clock.now()).toBe(WORLD_BEGINS_MS - 500 + 1010 - 2000);
    expect(clock.monotonic()).toBe(1000);
  });
});

interface Peer {
  connection: Connection;
  bytes: number[];
  calls: number;
  drains: number;
  closed: (MeshError | undefined)[];
}

function peer(connection: Connection): [Peer, ConnectionEvents] {
  const seen: Peer = { connection, bytes: [], calls: 0, drains: 0, closed: [] };
  return [
    seen,
    {
      data: (bytes) => {
        seen.calls += 1;
        seen.bytes.push(...bytes);
      },
      drained: () => void (seen.drains += 1),
      closed: (error) => void seen.closed.push(error),
    },
  ];
}

async function pair(world: Simulation, behaviour: LinkBehaviour, breakChance = 0): Promise<{ client: Peer; server: Peer; network: SimulatedNetwork }> {
  const network = new SimulatedNetwork(world, { behaviour: () => behaviour, breakChance });
  let server!: Peer;
  let client!: Peer;
  const accept = (connection: Connection) => {
    const [seen, events] = peer(connection);
    server = seen;
    return events;
  };
  const open = (connection: Connection) => {
    const [seen, events] = peer(connection);
    client = seen;
    return events;
  };
  await network.transport("server").listen("server", accept);
  await world.run(network.transport("client").connect("server", open, 1000));
  return { client, server, network };
}

describe("SimulatedNetwork", () => {
  it("delivers bytes in order, cut and merged, whatever was held back", async () => {
    for (let seed = 0; seed < 50; seed++) {
      const world = new Simulation(seed, settle);
      const { client, server } = await pair(world, ROUGH);
      const sent: number[] = [];
      const reused = new Uint8Array(10);
      for (let round = 0; round < 60; round++) {
        const length = world.random.int(1, 10);
        const bytes = client.connection.buffered > 0 ? new Uint8Array(length) : reused.subarray(0, length);
        for (let at = 0; at < length; at++) sent.push((bytes[at] = world.random.int(0, 255)));
        const taken = client.connection.send(bytes);
        if (taken) bytes.fill(0);
        else await world.run(world.sleep(200));
      }
      await world.run(world.sleep(30_000));
      expect(server.bytes, `seed ${seed}`).toEqual(sent);
      expect(client.drains).toBeGreaterThan(0);
      expect(client.connection.buffered).toBe(0);
    }
  });

  it("reads an array that it has not taken only later, and hands out bytes that do not last", async () => {
    const world = new Simulation(1, settle);
    const kept: Uint8Array[] = [];
    const network = new SimulatedNetwork(world, { behaviour: () => ({ ...STEADY, holdChance: 1 }), breakChance: 0 });
    const events: ConnectionEvents = { data: (bytes) => void kept.push(bytes), drained: () => {}, closed: () => {} };
    const received: number[] = [];
    const accept = () => ({ ...events, data: (bytes: Uint8Array) => (received.push(...bytes), void kept.push(bytes)) });
    await network.transport("b").listen("b", accept);
    const connection = await world.run(network.transport("a").connect("b", () => events, 100));
    const bytes = Uint8Array.of(1, 2, 3);
    expect(connection.send(bytes)).toBe(false);
    bytes[0] = 9;
    await world.run(world.sleep(100));
    expect(received).toEqual([9, 2, 3]);
    expect([...kept[0]]).not.toEqual([9, 2, 3]);
  });

  it("tells the other end of a close after the last byte, and this end nothing", async () => {
    const world = new Simulation(2, settle);
    const { client, server } = await pair(world, ROUGH);
    for (let round = 0; round < 20; round++) client.connection.send(Uint8Array.of(round));
    client.connection.close();
    await world.run(world.sleep(10_000));
    expect(server.bytes).toEqual(Array.from({ length: 20 }, (_, round) => round));
    expect(server.closed).toEqual([undefined]);
    expect(client.closed).toEqual([]);
    expect(server.connection.send(Uint8Array.of(1))).toBe(true);
  });

  it("stops at pause, holds the sender back when much is under way, and goes on at resume", async () => {
    const world = new Simulation(3, settle);
    const { client, server } = await pair(world, STEADY);
    server.connection.pause();
    let refused = false;
    for (let round = 0; round < 100 && !refused; round++) refused = !client.connection.send(new Uint8Array(4096));
    expect(refused).toBe(true);
    await world.run(world.sleep(100));
    expect(server.bytes.length).toBe(0);
    server.connection.resume();
    await world.run(world.sleep(100));
    expect(server.bytes.length).toBeGreaterThan(64 * 1024);
    expect(client.drains).toBe(1);
  });

  it("breaks both ends with an error and loses what is under way", async () => {
    const world = new Simulation(4, settle);
    const { client, server, network } = await pair(world, STEADY, 1);
    client.connection.send(new Uint8Array(100));
    await world.run(world.sleep(100));
    expect([client.closed.length, server.closed.length, network.breaks]).toEqual([1, 1, 1]);
    expect(client.closed[0]?.code).toBe("NODE_UNREACHABLE");
  });

  it("refuses addresses that are taken and connections to nobody", async () => {
    const world = new Simulation(5, settle);
    const { network } = await pair(world, STEADY);
    const nobody = (): ConnectionEvents => expect.unreachable("not connected");
    await expect(network.transport("x").listen("server", nobody)).rejects.toMatchObject({ code: "ADDRESS_IN_USE" });
    await expect(world.run(network.transport("x").connect("y", nobody, 100))).rejects.toMatchObject({ code: "NODE_UNREACHABLE" });
    await expect(world.run(network.transport("x").connect("server", nobody, 0.5))).rejects.toMatchObject({ code: "TIMEOUT" });
  });
});

describe("SimulatedStore", () => {
  const row = (key: string, timestamp: number, counter = 1) => ({ key, value: Uint8Array.of(counter), timestamp, replica: 1, counter, expiresAt: 0 });

  it("keeps winners and the greatest counters, and shows the content to its observer", async () => {
    const world = new Simulation(1, settle);
    const content = new StoreContent();
    const states: number[] = [];
    content.onApply = ({ rows }) => void states.push(rows.size);
    const store = new SimulatedStore(world, content, { name: "s", delayMs: 5, failureChance: 0 });
    await world.run(store.apply([row("a", 5), row("b", 5)], [[1, 4]]));
    await world.run(store.apply([row("a", 4, 2), row("c", 9, 3)], [[1, 3]]));
    const rows = await world.run(store.getMany(["a", "x", "c"]));
    expect(rows.map((found) => found?.counter)).toEqual([1, undefined, 3]);
    expect(states).toEqual([2, 3]);
    expect((await world.run(store.readRegistry())).flushed).toEqual([[1, 4]]);
    expect((await world.run(store.scan("", "a", 1))).rows.map(({ key }) => key)).toEqual(["b"]);
  });

  it("swaps the registry once per epoch", async () => {
    const world = new Simulation(1, settle);
    const store = new SimulatedStore(world, new StoreContent(), { name: "s", delayMs: 5, failureChance: 0 });
    const next = { epoch: 1, bytes: Uint8Array.of(1) };
    expect(await world.run(Promise.all([store.swapRegistry(0, next), store.swapRegistry(0, next)]))).toContain(false);
    expect((await world.run(store.readRegistry())).registry).toEqual(next);
  });

  it("tells the dead nothing, though what they had sent may happen", async () => {
    const world = new Simulation(1, settle);
    const content = new StoreContent();
    const life = { alive: true };
    const store = new SimulatedStore(world, content, { name: "s", delayMs: 5, failureChance: 0, life });
    let isAnswered = false;
    void store.apply([row("a", 1)], []).then(() => (isAnswered = true));
    life.alive = false;
    await world.run(world.sleep(20));
    expect({ isAnswered, rows: content.rows.size }).toEqual({ isAnswered: false, rows: 1 });
  });

  it("fails with an unknown outcome until it is calm", async () => {
    const world = new Simulation(1, settle);
    const content = new StoreContent();
    const store = new SimulatedStore(world, content, { name: "s", delayMs: 5, failureChance: 1 });
    for (let key = 0; key < 40; key++) {
      await expect(world.run(store.apply([row(`k${key}`, 1)], []))).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    }
    expect(content.rows.size).toBeGreaterThan(5);
    expect(content.rows.size).toBeLessThan(35);
    store.calm = true;
    await world.run(store.apply([row("z", 1)], []));
    expect(content.rows.has("z")).toBe(true);
    await store.close();
    await expect(world.run(store.getMany(["z"]))).rejects.toMatchObject({ code: "CLOSED" });
  });
});
