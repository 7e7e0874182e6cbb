// One place in a simulated mesh where a node runs: it is started, killed, cut off, told to leave and started again; each life is another
// process, with its own clock, connections and calls of the store.

import { MemberNode } from "../embedded/member.js";
import type { MeshError } from "../errors.js";
import type { Platform } from "../clock.js";
import type { Host, HostParts } from "../host/host.js";
import type { SuspicionBounds } from "../host/suspicion.js";
import type { Store } from "../store.js";
import type { Life, SimulatedClock } from "./simulated-clock.js";
import type { SimulatedNetwork } from "./simulated-transport.js";

export interface MemberWorld {
  readonly network: SimulatedNetwork;
  readonly secret: string;
  readonly cacheBytes: number;
  readonly snapshotRetention: number | undefined;
  readonly snapshotBytes: number | undefined;
  readonly suspicion: SuspicionBounds;
  readonly parts: HostParts;
  platform(life: Life): Platform & { readonly clock: SimulatedClock };
  store(name: string, life: Life): Store & { calm: boolean };
  /** Whether clocks go wrong: a node that joins by such a clock stops. */
  readonly setsClocks: boolean;
  sleep(ms: number): Promise<void>;
  /** A node stopped by itself. */
  stopped(address: string, error: Error): void;
  note(line: () => string): void;
}

export class SimulatedMember {
  readonly address: string;
  readonly #world: MemberWorld;
  #life: Life | undefined;
  #clock: SimulatedClock | undefined;
  #node: MemberNode | undefined;
  isCut = false;
  /** It is on its way out, or in. */
  isBusy = false;

  constructor(address: string, world: MemberWorld) {
    this.address = address;
    this.#world = world;
  }

  get isUp(): boolean {
    return this.#life?.alive === true;
  }

  /** The node as it is now; undefined where none runs. */
  get host(): Host | undefined {
    return this.isUp ? this.#node?.host : undefined;
  }

  /** Starts the member of a view that was formed for it. */
  async found(replica: number): Promise<void> {
    const { options, store } = this.#begin();
    store.calm = true;
    const node = new MemberNode({ ...options, replica }, this.#world.parts);
    await node.start();
    this.#node = node;
    store.calm = false;
  }

  async join(): Promise<void> {
    this.isBusy = true;
    const { options } = this.#begin();
    const life = this.#life!;
    const node = new MemberNode(options, this.#world.parts);
    for (;;) {
      try {
        this.#node = node;
        await node.start();
        break;
      } catch (error) {
        this.#world.note(() => `${this.address} cannot join: ${String(error)}`);
        await new Promise<void>((resolve) => options.platform.clock.after(50, resolve));
        if (!life.alive) return;
      }
    }
    if (life.alive) this.isBusy = false;
    this.#world.note(() => `${this.address} has joined as ${node.replica}`);
  }

  #begin() {
    const { network, secret, cacheBytes, snapshotRetention, snapshotBytes, suspicion } = this.#world;
    const bounds = { cacheBytes, snapshotRetention, snapshotBytes };
    const life = { alive: true };
    const platform = this.#world.platform(life);
    const store = this.#world.store(`store of ${this.address}`, life);
    this.#life = life;
    this.#clock = platform.clock;
    this.#node = undefined;
    const transport = network.transport(this.address, life);
    const onFatal = (error: Error): void => {
      if (life.alive && (error as MeshError).code === "CLOCK_SKEW" && this.#world.setsClocks) this.#restart();
      else if (life.alive) this.#world.stopped(this.address, error);
    };
    return { options: { store, transport, address: this.address, secret, ...bounds, suspicion, onFatal, platform }, store };
  }

  /** Somebody sets the clock right, and starts the node again. */
  #restart(): void {
    this.kill(false);
    this.isBusy = true;
    void this.#world.sleep(100).then(() => this.join());
  }

  kill(silently: boolean): void {
    this.#world.note(() => `${this.address} is killed`);
    this.isBusy = false;
    this.#world.network.kill(this.#life!, silently);
  }

  cut(): void {
    this.#world.note(() => `${this.address} is cut off`);
    this.isCut = true;
    this.#world.network.cut(this.address);
  }

  heal(): void {
    if (!this.isCut) return;
    this.#world.note(() => `${this.address} is back`);
    this.isCut = false;
    this.#world.network.heal(this.address);
  }

  /** Hands over, leaves and ends. */
  async leave(): Promise<void> {
    this.#world.note(() => `${this.address} leaves`);
    this.isBusy = true;
    const life = this.#life!;
    try {
      await this.#node!.close();
      this.#world.note(() => `${this.address} has left`);
    } catch (error) {
      this.#world.note(() => `${this.address} could not leave: ${String(error)}`);
    }
    this.isBusy = false;
    this.#world.network.kill(life, false);
  }

  describe(): string {
    const { host, isCut, isBusy } = this;
    if (host === undefined) return `${this.address} is down${isBusy ? ", and busy" : ""}`;
    return `${this.address} ${JSON.stringify({ isCut, isBusy, ...host.status() })}`;
  }

  get clock(): SimulatedClock | undefined {
    return this.#clock;
  }

  /** Sets the clock that it had then, if it still has that one. */
  jump(ms: number, clock: SimulatedClock | undefined): boolean {
    if (clock === undefined || clock !== this.#clock) return false;
    this.#world.note(() => `the clock of ${this.address} is set by ${ms} ms`);
    clock.jump(ms);
    return true;
  }
}
