// Scenarios: what is done to a mesh in a simulated world, a command a line, and everything that follows from it. A scenario is a text file with the
// commands above and the whole trace below (../scenarios); the same commands give the same trace each time.
//
//   form a b c                   begins a mesh of these nodes
//   start d | leave b | kill c   a node joins; hands over and leaves; dies without a word
//   cut c | heal c               nothing reaches it and nothing leaves it; the store does
//   delay a b 50                 what messages from a to b take, in milliseconds; 1 by itself
//   store away | store back
//   session s at a               begins a session
//   fork s as t at b             goes on with the session's token at another node
//   s set x 1 [level] | s get x | s getMany x y
//   s fill x 20                  writes x that many times at level everywhere, all at once, 100 kB each
//   run 300                      lets that many virtual milliseconds pass

import { connectMesh } from "../../src/embedded/create-mesh.js";
import { MemberNode } from "../../src/embedded/member.js";
import { formMesh } from "../../src/embedded/start-node.js";
import type { Platform } from "../../src/clock.js";
import type { MeshError } from "../../src/errors.js";
import type { Durability, Mesh, Session } from "../../src/mesh.js";
import { readView } from "../../src/protocol/view.js";
import type { Store } from "../../src/store.js";
import { SimulatedClock, type Life } from "../../src/testing/simulated-clock.js";
import { SimulatedStore, StoreContent } from "../../src/testing/simulated-store.js";
import { SimulatedNetwork } from "../../src/testing/simulated-transport.js";
import { Simulation } from "../../src/testing/simulation.js";
import type { Connection, ConnectionEvents, Transport } from "../../src/transport.js";
import { FrameSplitter } from "../../src/wire/frames.js";
import { FRAME_BYTES_MAX } from "../../src/limits.js";
import { connectionWith } from "./connection-with.js";
import { describeFrame } from "./described-frames.js";

const SUSPICION = { suspectMsMin: 1_000, suspectMsMax: 3_000, takeOverMs: 8_000 };
const CLIENT = "client";

interface Running {
  readonly life: Life;
  readonly node: MemberNode;
}

/** Runs the commands and returns them with the trace below. */
export async function playScenario(commands: readonly string[]): Promise<string> {
  const simulation = new Simulation(1, () => new Promise((resolve) => process.nextTick(resolve)));
  const scenario = new Scenario(simulation);
  await simulation.run(scenario.play(commands));
  return scenario.lines.join("\n");
}

class Scenario {
  readonly lines: string[] = [];
  readonly #simulation: Simulation;
  readonly #network: SimulatedNetwork;
  readonly #content = new StoreContent();
  readonly #delays = new Map<string, number>();
  readonly #running = new Map<string, Running>();
  readonly #sessions = new Map<string, Session>();
  #mesh: Mesh | undefined;

  constructor(simulation: Simulation) {
    this.#simulation = simulation;
    const delays = this.#delays;
    this.#network = new SimulatedNetwork(simulation, {
      behaviour: (from, to) => ({
        get delayMs() {
          return delays.get(`${from} ${to}`) ?? 1;
        },
        cutChance: 0,
        holdChance: 0,
        stallChance: 0,
        stallMs: 0,
      }),
      breakChance: 0,
    });
  }

  async play(commands: readonly string[]): Promise<void> {
    for (const command of commands) {
      this.lines.push("", `> ${command}`);
      await this.#do(command.split(" "));
    }
  }

  #note(line: string): void {
    this.lines.push(`  ${line}`);
  }

  async #do([verb, ...words]: readonly string[]): Promise<void> {
    const [first, second] = words;
    if (verb === "form") await this.#form(words);
    else if (verb === "start") await this.#start(first);
    else if (verb === "leave") await this.#leave(first);
    else if (verb === "kill") this.#kill(first);
    else if (verb === "cut") this.#network.cut(first);
    else if (verb === "heal") this.#network.heal(first);
    else if (verb === "delay") this.#delays.set(`${first} ${second}`, Number(words[2]));
    else if (verb === "store") this.#content.isAway = first === "away";
    else if (verb === "run") await this.#simulation.sleep(Number(first));
    else if (verb === "session") this.#sessions.set(first, (await this.#client()).session(undefined, { node: words[2] }));
    else if (verb === "fork") this.#sessions.set(words[2], (await this.#client()).session(await this.#session(first).token(), { node: words[4] }));
    else await this.#ask(verb, first, second, words.slice(1));
  }

  // Nodes.

  async #form(addresses: readonly string[]): Promise<void> {
    const { members } = await formMesh(this.#store("form"), addresses, this.#platform({ alive: true }));
    await Promise.all(members.map(({ address, replica }) => this.#start(address, replica)));
  }

  async #start(address: string, replica?: number): Promise<void> {
    const life = { alive: true };
    const node = new MemberNode({
      store: this.#store(address, life),
      transport: this.#traced(address, life),
      address,
      replica,
      platform: this.#platform(life),
      suspicion: SUSPICION,
      onWarning: (warning) => life.alive && this.#note(`${address}: ${warning}`),
      onFatal: (error) => life.alive && this.#note(`${address} has stopped: ${error.message}`),
    });
    this.#running.set(address, { life, node });
    await node.start();
    this.#note(`${address} serves as ${node.replica}`);
  }

  async #leave(address: string): Promise<void> {
    const { node, life } = this.#running.get(address)!;
    await node.close();
    this.#network.kill(life, false);
    this.#note(`${address} has left`);
  }

  #kill(address: string): void {
    this.#network.kill(this.#running.get(address)!.life, true);
  }

  // Sessions.

  async #client(): Promise<Mesh> {
    const nodes = [...this.#running.keys()];
    this.#mesh ??= await connectMesh({ nodes }, this.#traced(CLIENT, { alive: true }), this.#platform({ alive: true }));
    return this.#mesh;
  }

  #session(name: string): Session {
    const session = this.#sessions.get(name);
    if (session === undefined) throw new Error(`no command "${name}", and no session of that name`);
    return session;
  }

  async #ask(name: string, verb: string, key: string, rest: readonly string[]): Promise<void> {
    const session = this.#session(name);
    try {
      if (verb === "fill") await Promise.all(Array.from({ length: Number(rest[1]) }, () => session.set(key, "·".repeat(50_000), { durability: "everywhere" })));
      if (verb === "set") await session.set(key, rest[1], { durability: rest[2] as Durability | undefined });
      const answer = verb === "get" ? await session.get(key) : verb === "getMany" ? await session.getMany(rest) : "done";
      this.#note(`${name}: ${JSON.stringify(answer) ?? "absent"}`);
    } catch (error) {
      const { code, message } = error as MeshError;
      this.#note(`${name}: ${code}: ${message}`);
    }
  }

  // The world around them.

  #platform(life: Life): Platform {
    const { random } = this.#simulation;
    return {
      clock: new SimulatedClock(this.#simulation, { offsetMs: 0, drift: 0 }, life),
      random: () => random.next(),
      entropy: (count) => Uint8Array.from({ length: count }, () => random.int(0, 255)),
    };
  }

  #store(name: string, life?: Life): Store {
    const store = new SimulatedStore(this.#simulation, this.#content, { name: "the store", delayMs: 1, failureChance: 0, life });
    const { apply, swapRegistry } = store;
    store.apply = async (rows, flushed, epoch) => {
      const keys = rows.map(({ key, replica, counter }) => `${key}=${replica}:${counter}`).join(" ") || "nothing";
      this.#note(`${name} → store  apply ${keys}; flushed ${flushed.map(([replica, counter]) => `${replica}:${counter}`).join(" ")}`);
      await apply.call(store, rows, flushed, epoch);
    };
    store.swapRegistry = async (expected, next) => {
      const isSwapped = await swapRegistry.call(store, expected, next);
      if (isSwapped) this.#note(`${name} → store  ${await this.#view()}`);
      return isSwapped;
    };
    return store;
  }

  async #view(): Promise<string> {
    const calm = new SimulatedStore(this.#simulation, this.#content, { name: "the store", delayMs: 0, failureChance: 0 });
    const { epoch, members, departed, notice, ended } = (await readView(calm))!;
    const gone = departed.map(({ replica, final, settled }) => `${replica}:${final}${settled ? " settled" : ""}`).join(", ");
    return [
      `view ${epoch}: ${members.map(({ replica, address }) => `${address}=${replica}`).join(" ")}`,
      gone === "" ? "" : `; departed ${gone}`,
      notice === undefined ? "" : `; notice by ${notice.by} that ${notice.gone.join(" ")} are gone`,
      ended === true ? "; ended" : "",
    ].join("");
  }

  #traced(name: string, life: Life): Transport {
    const inner = this.#network.transport(name, life);
    return {
      listen: (address, accept) => inner.listen(address, (connection) => this.#listening(connection, name, accept)),
      connect: (address, open, timeoutMs) => inner.connect(address, (connection) => this.#listening(connection, name, open), timeoutMs),
    };
  }

  /** A connection whose frames are noted as they are sent. */
  #listening(connection: Connection, name: string, open: (connection: Connection) => ConnectionEvents): ConnectionEvents {
    const note = (text: string): void => this.#note(`${name} → ${connection.remote}  ${text}`);
    const splitter = new FrameSplitter(
      {
        frame: (bytes, type, flags, _id, start, end) => {
          const text = describeFrame(bytes, type, flags, start, end);
          if (text !== undefined) note(text);
        },
      },
      FRAME_BYTES_MAX,
    );
    const send = (bytes: Uint8Array): boolean => {
      splitter.push(bytes);
      return connection.send(bytes);
    };
    return open(connectionWith(connection, send));
  }
}
