// A network of simulated connections, and one Transport per participant. Order holds within a connection and nowhere else:
// links differ in delay by orders of magnitude, so what is sent later elsewhere often arrives earlier.

import { MeshError } from "../errors.js";
import type { Connection, ConnectionEvents, Listener, Transport } from "../transport.js";
import type { SeededRandom } from "./random.js";
import { Pipe, type LinkBehaviour } from "./simulated-pipe.js";
import type { Life } from "./simulated-clock.js";
import type { Simulation } from "./simulation.js";

export interface NetworkOptions {
  /** How bytes travel from one participant to another; asked once per pair and direction. */
  behaviour(from: string, to: string): LinkBehaviour;
  /** Chance, per send, that the connection breaks a moment later. */
  readonly breakChance: number;
}

type Accept = (connection: Connection) => ConnectionEvents;

interface Listening {
  readonly accept: Accept;
  readonly life: Life;
}

/** A participant as one end of a connection sees it. */
interface Participant {
  readonly name: string;
  readonly life: Life;
}

/** Milliseconds within which both ends learn that their connection broke. */
const BREAK_NOTICED_MS_MAX = 5;

export class SimulatedNetwork {
  readonly simulation: Simulation;
  readonly random: SeededRandom;
  /** Connections that have broken so far. */
  breaks = 0;
  /** No connection breaks any more: a run's last reads are made in peace. */
  calm = false;
  readonly #options: NetworkOptions;
  readonly #listeners = new Map<string, Listening>();
  /** Participants that nothing reaches, and nothing leaves. */
  readonly #cut = new Set<string>();
  readonly #behaviours = new Map<string, LinkBehaviour>();
  readonly #links = new Set<Link>();

  constructor(simulation: Simulation, options: NetworkOptions) {
    this.simulation = simulation;
    this.random = simulation.random.split();
    this.#options = options;
  }

  /** The transport as the participant `host` sees it, for one life of it. */
  transport(host: string, life: Life = { alive: true }): Transport {
    return {
      listen: (address, accept) => this.#listen(address, accept, life),
      connect: (address, open, timeoutMs) => this.#connect({ name: host, life }, address, open, timeoutMs),
    };
  }

  /** Ends a life: its connections are gone, and the other ends learn it soon, or never where nobody is left to tell them. */
  kill(life: Life, silently: boolean): void {
    life.alive = false;
    for (const [address, listening] of this.#listeners) if (listening.life === life) this.#listeners.delete(address);
    for (const link of this.#links) if (link.has(life)) link.vanish(silently);
  }

  /** Cuts a participant off from everybody: what is sent is lost, and nobody is told. */
  cut(name: string): void {
    this.#cut.add(name);
    for (const link of this.#links) if (link.host === name || link.address === name) link.vanish(true);
  }

  heal(name: string): void {
    this.#cut.delete(name);
  }

  /** Breaks every connection between the two, in whichever direction it was made. */
  breakLinks(host: string, address: string): void {
    for (const link of this.#links) {
      if ((link.host === host && link.address === address) || (link.host === address && link.address === host)) link.break();
    }
  }

  behaviour(from: string, to: string): LinkBehaviour {
    const name = `${from}>${to}`;
    let behaviour = this.#behaviours.get(name);
    if (behaviour === undefined) {
      behaviour = this.#options.behaviour(from, to);
      this.#behaviours.set(name, behaviour);
    }
    return behaviour;
  }

  /** Whether the connection on which something was just sent is to break. */
  drawBreak(): boolean {
    return !this.calm && this.random.chance(this.#options.breakChance);
  }

  forget(link: Link): void {
    this.#links.delete(link);
  }

  async #listen(address: string, accept: Accept, life: Life): Promise<Listener> {
    if (this.#listeners.has(address)) throw new MeshError("ADDRESS_IN_USE", `${address} is taken; choose another address`);
    const listening = { accept, life };
    this.#listeners.set(address, listening);
    return {
      address,
      close: async () => {
        if (this.#listeners.get(address) === listening) this.#listeners.delete(address);
      },
    };
  }

  #connect(from: Participant, address: string, open: Accept, timeoutMs: number): Promise<Connection> {
    const host = from.name;
    const there = this.behaviour(host, address).delayMs * this.random.between(0.5, 1.5);
    const back = this.behaviour(address, host).delayMs * this.random.between(0.5, 1.5);
    return new Promise((resolve, reject) => {
      const isCut = (): boolean => this.#cut.has(host) || this.#cut.has(address);
      const timesOut = (ms: number): unknown =>
        this.simulation.schedule(ms, () => from.life.alive && reject(new MeshError("TIMEOUT", `${address} did not answer within ${timeoutMs} ms`)));
      if (there + back > timeoutMs || isCut()) {
        timesOut(timeoutMs);
        return;
      }
      this.simulation.schedule(there, () => {
        const listening = this.#listeners.get(address);
        if (!from.life.alive) return;
        // It may have been cut off meanwhile.
        if (isCut()) {
          timesOut(timeoutMs - there);
          return;
        }
        if (listening === undefined) {
          this.simulation.schedule(back, () => reject(new MeshError("NODE_UNREACHABLE", `nothing listens at ${address}; start the node`)));
          return;
        }
        const link = new Link(this, from, { name: address, life: listening.life });
        this.#links.add(link);
        link.acceptor.open(listening.accept(link.acceptor));
        this.simulation.schedule(back, () => {
          if (!from.life.alive) return;
          link.connector.open(open(link.connector));
          resolve(link.connector);
        });
      });
    });
  }
}

/** A connection: two ends and a pipe each way. */
class Link {
  readonly connector: LinkEnd;
  readonly acceptor: LinkEnd;
  readonly host: string;
  readonly address: string;
  readonly #network: SimulatedNetwork;
  readonly #lives: readonly Life[];
  #broken = false;

  constructor(network: SimulatedNetwork, from: Participant, to: Participant) {
    const { simulation, random } = network;
    const host = from.name;
    const address = to.name;
    this.#network = network;
    this.host = host;
    this.address = address;
    this.#lives = [from.life, to.life];
    const there = new Pipe(`${host} → ${address}`, simulation, random, network.behaviour(host, address), () => this.connector.drained());
    const back = new Pipe(`${address} → ${host}, back`, simulation, random, network.behaviour(address, host), () => this.acceptor.drained());
    this.connector = new LinkEnd(this, address, there, back, from.life);
    this.acceptor = new LinkEnd(this, host, back, there, to.life);
  }

  /** Called with every send. */
  sent(): void {
    if (!this.#broken && this.#network.drawBreak()) {
      this.#network.simulation.schedule(this.#network.random.between(0, BREAK_NOTICED_MS_MAX), () => this.break());
    }
  }

  later(task: () => void): void {
    this.#network.simulation.schedule(0, task);
  }

  has(life: Life): boolean {
    return this.#lives.includes(life);
  }

  break(): void {
    if (this.#broken) return;
    this.#network.breaks += 1;
    this.#network.simulation.note(() => `the connection ${this.host} → ${this.address} breaks`);
    this.vanish(false);
  }

  /** Nothing passes any more; the ends are told, or are not. */
  vanish(silently: boolean): void {
    if (this.#broken) return;
    this.#broken = true;
    this.#network.forget(this);
    for (const end of [this.connector, this.acceptor]) {
      end.outgoing.break();
      if (silently) continue;
      const noticed = this.#network.random.between(0, BREAK_NOTICED_MS_MAX);
      this.#network.simulation.schedule(noticed, () => end.broke());
    }
  }
}

class LinkEnd implements Connection {
  readonly remote: string;
  readonly outgoing: Pipe;
  readonly #link: Link;
  readonly #incoming: Pipe;
  readonly #life: Life;
  #events: ConnectionEvents | undefined;
  /** Set when the connection breaks before this end is open. */
  #brokenBefore: MeshError | undefined;
  #closed = false;

  constructor(link: Link, remote: string, outgoing: Pipe, incoming: Pipe, life: Life) {
    this.remote = remote;
    this.outgoing = outgoing;
    this.#link = link;
    this.#incoming = incoming;
    this.#life = life;
  }

  get buffered(): number {
    return this.outgoing.heldBytes;
  }

  send(bytes: Uint8Array): boolean {
    if (this.#closed) return true;
    this.#link.sent();
    return this.outgoing.send(bytes);
  }

  pause(): void {
    this.#incoming.pauseReceiver();
  }

  resume(): void {
    this.#incoming.resumeReceiver();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.outgoing.end();
    this.#incoming.break();
  }

  /** The owner's events are known from now on, and bytes that wait may come. */
  open(events: ConnectionEvents): void {
    this.#events = events;
    const error = this.#brokenBefore;
    if (error !== undefined) this.#link.later(() => this.#otherEndClosed(error));
    this.#incoming.openReceiver({
      data: (bytes) => {
        if (this.#life.alive) events.data(bytes);
      },
      drained: () => {},
      closed: (error) => this.#otherEndClosed(error),
    });
  }

  drained(): void {
    if (!this.#closed && this.#life.alive) this.#events?.drained();
  }

  broke(): void {
    const error = new MeshError("NODE_UNREACHABLE", `the connection to ${this.remote} broke`);
    this.#incoming.break();
    if (this.#events === undefined) this.#brokenBefore = error;
    else this.#otherEndClosed(error);
  }

  #otherEndClosed(error: MeshError | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    this.outgoing.break();
    if (this.#life.alive) this.#events!.closed(error);
  }
}
