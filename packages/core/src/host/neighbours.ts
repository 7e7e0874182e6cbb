// The two neighbours of a node in the ring of its view: the link to its successor, and the connection that its predecessor has made. Both
// belong to one view, and are made anew with the next.

import { MeshError } from "../errors.js";
import type { Acceptor } from "./acceptor.js";
import type { Host } from "./host.js";
import { RingLink } from "./ring-link.js";

export class Neighbours {
  readonly #host: Host;
  #link: RingLink | undefined;
  #predecessor: Acceptor | undefined;
  #linkBytesBefore = 0;
  /** Whether the predecessor was heard since `heardPredecessor` was asked last. */
  #isHeard = true;
  /** What the last look has found. */
  #wasHeard = true;

  constructor(host: Host) {
    this.#host = host;
  }

  // The successor.

  /** Connects to the successor of the view as it is now. */
  relink(): void {
    this.#linkBytesBefore = this.linkBytes;
    const before = this.#link;
    before?.close();
    this.#link = this.#host.node.ring.members > 1 ? new RingLink(this.#host, before) : undefined;
    void this.#link?.connect();
  }

  pump(): void {
    this.#link?.pump();
  }

  /** The newest own write that survives this node: the successor has it or, in a mesh of one, the store. */
  get replicated(): number {
    const { flushed, ring } = this.#host.node;
    return this.#link === undefined ? flushed[ring.self] : (this.#link.acknowledged?.[ring.self] ?? 0);
  }

  /** The newest write of a slot that all members have. Where this node may be the only one who has anything, it is the store that has it. */
  everywhere(slot: number): number {
    const { flushed, common, ring } = this.#host.node;
    const isAlone = this.#link === undefined || (ring.members === 2 && this.#link.acknowledged === undefined);
    return isAlone ? flushed[slot] : common[slot];
  }

  /** Whether there is a link to the successor, or no need of one. */
  get isLinked(): boolean {
    return this.#link === undefined || this.#link.connected;
  }

  /** Why the link to the successor broke last. */
  get linkError(): string | undefined {
    return this.#link?.lastError?.message;
  }

  get linkBytes(): number {
    return this.#linkBytesBefore + (this.#link?.bytesSent ?? 0);
  }

  /** Whether the successor has all that it gets from this node alone: own writes, and those of the departed before this node. */
  get hasHandedOver(): boolean {
    const acknowledged = this.#link?.acknowledged;
    return acknowledged !== undefined && this.#passesOn((slot, counter) => acknowledged[slot] >= counter);
  }

  /** Whether everybody has that. */
  get hasGoneRound(): boolean {
    const { common } = this.#host.node;
    return this.#passesOn((slot, counter) => common[slot] >= counter);
  }

  #passesOn(holds: (slot: number, counter: number) => boolean): boolean {
    const { ring, received } = this.#host.node;
    return received.every((counter, slot) => (slot !== ring.self && slot < ring.members) || holds(slot, counter));
  }

  // The predecessor.

  /** A new link from the predecessor replaces its old one. */
  predecessorConnected(acceptor: Acceptor): void {
    this.#predecessor?.close();
    this.#predecessor = acceptor;
  }

  /** Whether the predecessor is there: its link is up, and has not been silent between the last two looks. */
  get isPredecessorAlive(): boolean {
    return this.#predecessor?.isOpen === true && (this.#isHeard || this.#wasHeard);
  }

  /** Ends the link from the predecessor, which is told why, and looks at the registry. */
  dismissPredecessor(why: string): void {
    this.#predecessor?.dismiss(new MeshError("NODE_BEHIND", `node ${this.#host.replica} ${why}; look at the mesh's registry`));
    this.#predecessor = undefined;
  }

  hearPredecessor(): void {
    this.#isHeard = true;
  }

  /** Whether anything came from the predecessor since the last call. */
  heardPredecessor(): boolean {
    const heard = this.#isHeard || this.#host.node.ring.members === 1;
    this.#isHeard = false;
    this.#wasHeard = heard;
    return heard;
  }

  /** Whether everybody has been told that the store has so much of a slot: what this node has told the ring has come round. */
  hasRoundFlushed(slot: number, counter: number): boolean {
    return this.#host.node.ring.members === 1 || (this.#predecessor?.hasFlushed(slot, counter) ?? false);
  }

  close(): void {
    this.#link?.close();
    this.dismissPredecessor("has ended");
  }
}
