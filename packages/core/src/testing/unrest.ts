// What befalls the membership of a simulated mesh: nodes are killed and come back, are cut off, leave and join; clocks are set, the store is
// away. No fault is played that would leave no node with what the mesh has: tests of durability judge what is lost then.

import type { Host } from "../host/host.js";
import type { Unrest } from "./options.js";
import type { SeededRandom } from "./random.js";
import type { SimulatedMember } from "./simulated-member.js";
import type { Simulation } from "./simulation.js";

export interface UnrestWorld {
  readonly simulation: Simulation;
  readonly members: readonly SimulatedMember[];
  /** Whether the mesh has got over what has befallen it so far. */
  hasRecovered(): boolean;
  setAway(isAway: boolean): void;
  /** Whether the newest view has it. */
  isMember(member: SimulatedMember): boolean;
}

type Event = "crash" | "cut" | "leave" | "join" | "jump" | "outage";

const HOUR_MS = 3_600_000;
/** World time within which the mesh gets over one fault. */
const RECOVERY_MS_MAX = 60_000;

export class Troublemaker {
  readonly #world: UnrestWorld;
  readonly #unrest: Unrest;
  readonly #random: SeededRandom;
  /** Members that are to come back. */
  readonly #returning: Promise<void>[] = [];

  constructor(world: UnrestWorld, unrest: Unrest) {
    this.#world = world;
    this.#unrest = unrest;
    this.#random = world.simulation.random.split();
  }

  /** Plays all faults within about this time, and resolves when everybody is back. */
  async run(durationMs: number): Promise<void> {
    const { crashes, cuts, leaves, spares, clockJumps, outages, oneAtATime } = this.#unrest;
    const counts: [Event, number][] = [
      ["crash", crashes],
      ["cut", cuts],
      ["leave", leaves],
      ["join", spares],
      ["jump", clockJumps],
      ["outage", outages],
    ];
    const events = counts.flatMap(([event, count]) => new Array<Event>(count).fill(event));
    const { simulation } = this.#world;
    for (const event of this.#random.sample(events, events.length)) {
      await simulation.sleep((durationMs / events.length) * this.#random.between(0, 1.5));
      if (oneAtATime) await this.#recovered();
      this.#play(event);
    }
    // One return may be the beginning of another.
    while (this.#returning.length > 0) await this.#returning.shift();
  }

  async #recovered(): Promise<void> {
    const { simulation } = this.#world;
    const until = simulation.time + RECOVERY_MS_MAX;
    while (!this.#world.hasRecovered()) {
      if (simulation.time > until) throw new Error(`not recovered ${RECOVERY_MS_MAX} ms after the last fault`);
      await simulation.sleep(20);
    }
  }

  #play(event: Event): void {
    const { simulation, members } = this.#world;
    const { suspectMs } = this.#unrest;
    const well = members.filter((member) => member.isUp && !member.isCut && !member.isBusy && member.host?.isComplete === true);
    if (event === "outage") {
      simulation.note(() => "the store is away");
      this.#world.setAway(true);
      this.#later(suspectMs * this.#random.between(0, 4), () => {
        simulation.note(() => "the store is back");
        this.#world.setAway(false);
      });
    } else if (event === "join") {
      const free = members.filter((member) => !member.isUp && !member.isBusy);
      if (free.length > 0) void this.#random.pick(free).join();
    } else if (event === "jump") {
      if (well.length > 0) this.#jump(this.#random.pick(well));
    } else if (well.length > 1) {
      const member = this.#random.pick(well);
      if (event === "crash") {
        member.kill(this.#random.chance(0.5));
        this.#later(suspectMs * this.#random.magnitude(0.1, 4), () => member.isUp || void member.join());
      } else if (event === "cut") {
        member.cut();
        this.#later(suspectMs * this.#random.magnitude(0.3, 4), () => member.heal());
      } else {
        if (this.#random.chance(0.5)) this.#later(this.#random.magnitude(0.1, 100), () => this.#strand(member, member.host));
        this.#returning.push(
          member.leave().then(async () => {
            await simulation.sleep(suspectMs * this.#random.between(0, 2));
            if (!member.isUp && !member.isBusy) void member.join();
          }),
        );
      }
    }
  }

  /** Kills the one to whom a member that leaves hands over. A leave is no loss, so this is the only one. */
  #strand(leaving: SimulatedMember, host: Host | undefined): void {
    const { members } = this.#world;
    // It may have left, and be on its way in again: then the only one who has everything may be the heir.
    if (host === undefined || leaving.host !== host || !this.#world.isMember(leaving)) return;
    const { view, ring } = host.node;
    const heir = members.find(({ address, isUp, isBusy }) => isUp && !isBusy && address === view.members[ring.successor].address);
    if (heir === undefined) return;
    heir.kill(this.#random.chance(0.5));
    this.#later(this.#unrest.suspectMs * this.#random.magnitude(0.1, 4), () => heir.isUp || void heir.join());
  }

  /** Until the clock is right again the member counts as busy: what joins by a wrong clock does not get in. */
  #jump(member: SimulatedMember): void {
    const ms = this.#random.pick([-5 * HOUR_MS, 3 * HOUR_MS]);
    const { clock } = member;
    member.jump(ms, clock);
    member.isBusy = true;
    this.#later(this.#unrest.suspectMs * this.#random.between(0, 4), () => {
      // It may have been started again, by a clock that is right.
      if (!member.jump(-ms, clock)) return;
      member.isBusy = false;
    });
  }

  #later(ms: number, task: () => void): void {
    this.#returning.push(this.#world.simulation.sleep(ms).then(task));
  }
}
