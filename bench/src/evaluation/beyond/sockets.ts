// What sockets cost on this machine: a real process echoes what it is sent, alone and from many connections at a time, and its CPU is divided among what it did.

import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import type { Crew } from "../../crew.js";
import { HEAD_BYTES, writeU32 } from "../../bytes/frames.js";
import type { EchoProgram } from "../../processes/echo-server.js";
import { cpuMicros } from "../../serve.js";
import { median, percentile } from "../../statistics.js";
import { SLOT_MS } from "../load/open-loop.js";
import { Ticker } from "../load/ticker.js";
import { PAUSE_MS } from "./process.js";
import type { SocketCosts } from "./work.js";

export interface SocketFigures extends SocketCosts {
  /** Microseconds that a message is on its way from process to process, beyond what both of them use. */
  readonly way: number;
  /** What a tick of the load's clock takes (load/ticker.ts). */
  readonly tick: number;
}

const CONNECTIONS = 16;
const ROUND_TRIPS = 4_000;
const WARM_UP = 2_000;
const LARGE_BYTES = 48 * 1024;
const LARGE_ROUND_TRIPS = 800;
const PAUSED_ROUND_TRIPS = 400;
const TICKS = 1_000;
/** A byte less than a request has to say how long its answer is to be. */
const SMALL_BYTES = 16;

export async function measureSockets(crews: Set<Crew>, crew: Crew): Promise<SocketFigures> {
  crews.add(crew);
  try {
    const echo = crew.start<EchoProgram>("echo-server", {});
    const port = await echo.call("listen");
    const clients = await Promise.all(Array.from({ length: CONNECTIONS }, () => Client.open(port)));
    const perTrip = async (count: number, trips: number, bytes: number, pauseMs = 0): Promise<Trip> => {
      const before = [await echo.call("cpu"), cpuMicros()];
      const rounds: number[] = [];
      const sends: number[] = [];
      for (let left = trips / count; left > 0; left--) {
        if (pauseMs > 0) await pause(pauseMs);
        const begin = performance.now();
        const answers = clients.slice(0, count).map((client) => client.ask(bytes, sends));
        await Promise.all(answers);
        rounds.push((performance.now() - begin) * 1000);
      }
      return {
        server: ((await echo.call("cpu")) - before[0]) / trips,
        client: (cpuMicros() - before[1]) / trips,
        round: median(rounds),
        send: percentile(sends, 0.5) * 1000,
      };
    };
    for (const count of [1, CONNECTIONS]) await perTrip(count, WARM_UP, SMALL_BYTES);
    const alone = await perTrip(1, ROUND_TRIPS, SMALL_BYTES);
    const together = await perTrip(CONNECTIONS, ROUND_TRIPS, SMALL_BYTES);
    const large = await perTrip(1, LARGE_ROUND_TRIPS, LARGE_BYTES);
    const paused = await perTrip(1, PAUSED_ROUND_TRIPS, SMALL_BYTES, PAUSE_MS);
    for (const client of clients) client.close();
    return { ...figuresOf(alone, together, large, paused), tick: await tickMicros() };
  } finally {
    await crew.end();
    crews.delete(crew);
  }
}

/** Microseconds of CPU per round trip, of one round, and of one call that sends. */
interface Trip {
  readonly server: number;
  readonly client: number;
  readonly round: number;
  readonly send: number;
}

function figuresOf(alone: Trip, together: Trip, large: Trip, paused: Trip): Omit<SocketFigures, "tick"> {
  // A turn of the loop serves one connection there and all of them here.
  const turn = Math.max(0, ((alone.server - together.server) * CONNECTIONS) / (CONNECTIONS - 1));
  const readAndSend = Math.max(0, alone.server - turn);
  // One send after another, as those of a busy process are.
  const send = Math.min(together.send, readAndSend);
  return {
    turn,
    wake: Math.max(0, paused.server - alone.server),
    send,
    read: readAndSend - send,
    byte: Math.max(0, (large.server - alone.server) / LARGE_BYTES),
    way: Math.max(0, (alone.round - alone.server - alone.client) / 2),
  };
}

/** From one tick on until there have been enough: what comes before is the start of its thread. */
async function tickMicros(): Promise<number> {
  let [ticks, before] = [0, 0];
  let ticked: () => void = () => undefined;
  const enough = new Promise<void>((resolve) => (ticked = resolve));
  const ticker = new Ticker(SLOT_MS, () => {
    if (ticks === 0) before = cpuMicros();
    if (++ticks > TICKS) ticked();
  });
  await enough;
  const used = cpuMicros() - before;
  await ticker.stop();
  return used / (ticks - 1);
}

class Client {
  readonly #socket: Socket;
  #answered: () => void = () => undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on("data", () => this.#answered());
  }

  static async open(port: number): Promise<Client> {
    const socket = connect(port, "127.0.0.1");
    await once(socket, "connect");
    return new Client(socket);
  }

  /** Sends a frame of so many bytes and resolves with its answer, which is as short as can be. */
  async ask(bytes: number, sends: number[]): Promise<void> {
    const frame = Buffer.alloc(HEAD_BYTES + bytes);
    writeU32(frame, 0, frame.length - 4);
    const answer = new Promise<void>((resolve) => (this.#answered = resolve));
    const begin = performance.now();
    this.#socket.write(frame);
    sends.push(performance.now() - begin);
    await answer;
  }

  close(): void {
    this.#socket.destroy();
  }
}
