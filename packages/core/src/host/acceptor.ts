// The accepting side of a connection: the handshake, then a port for what the other end turned out to be. Errors end here: a frame
// that breaks the format closes this connection with a reason, never the node.

import { ByteReader, MalformedError } from "../bytes/reader.js";
import type { Timer } from "../clock.js";
import { MeshError } from "../errors.js";
import type { ConnectionKind } from "../mesh.js";
import { InvariantError } from "../invariant.js";
import { CONNECT_TIMEOUT_MS_DEFAULT, FRAME_BYTES_MAX, HANDSHAKE_BYTES_MAX, UNREAD_ANSWERS_BYTES_MAX } from "../limits.js";
import type { Connection, ConnectionEvents } from "../transport.js";
import { beginFrame, endFrame, ERROR, FrameSplitter, HELLO, PROOF, type FrameHandler } from "../wire/frames.js";
import { newNonce, proofOf, provedSecret, readHello, readProof, Role, versionOf, writeChallenge, writeWelcome, type Hello } from "../wire/handshake.js";
import { writeError } from "../wire/messages.js";
import { Outbox } from "../wire/outbox.js";
import { ClientPort } from "./client-port.js";
import type { Host } from "./host.js";
import { joiningError } from "./newcomer.js";
import { RingPort } from "./ring-port.js";

/** What serves a connection after the handshake. */
export interface Port extends FrameHandler {
  /** All frames of a chunk have been shown. */
  chunkEnd(): void;
  /** The connection is ended in order: no frame is shown after this. */
  ending(): void;
  /** The node is in another view now. */
  viewChanged(): void;
  closed(): void;
}

/** Answers beyond this are handed over at once, so that a client that does not read them is noticed within its chunk. */
const ANSWERS_AT_ONCE_BYTES = 1024 * 1024;

export class Acceptor implements ConnectionEvents, FrameHandler {
  readonly #host: Host;
  readonly #connection: Connection;
  readonly #outbox: Outbox;
  readonly #splitter: FrameSplitter;
  readonly #reader = new ByteReader();
  readonly #nonce: Uint8Array;
  readonly #deadline: Timer;
  #hello: Hello | undefined;
  #port: Port | undefined;
  #ended = false;
  #paused = false;

  constructor(host: Host, connection: Connection) {
    const { clock, entropy } = host.platform;
    this.#host = host;
    this.#connection = connection;
    this.#outbox = new Outbox(connection);
    this.#splitter = new FrameSplitter(this, HANDSHAKE_BYTES_MAX);
    this.#nonce = newNonce(entropy);
    this.#deadline = clock.after(CONNECT_TIMEOUT_MS_DEFAULT, () => this.#refuse(new MeshError("TIMEOUT", "the handshake took too long")));
  }

  data(bytes: Uint8Array): void {
    this.#read(() => this.#splitter.push(bytes));
  }

  #read(read: () => void): void {
    if (this.#ended) return;
    this.#host.beginStep();
    try {
      read();
      this.#port?.chunkEnd();
    } catch (error) {
      this.#fail(error);
    }
    this.flush();
  }

  /** Hands over what was answered outside of a chunk. A client that does not read its answers is not read either. */
  flush(): void {
    if (this.#ended) return;
    this.#outbox.flush();
    if (!this.#paused && this.#connection.buffered > UNREAD_ANSWERS_BYTES_MAX) {
      this.#paused = true;
      this.#splitter.paused = true;
      this.#connection.pause();
    }
  }

  drained(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#connection.resume();
    this.#read(() => this.#splitter.resume());
  }

  closed(): void {
    this.#end();
  }

  get remote(): string {
    return this.#connection.remote;
  }

  /** What the other end turned out to be. */
  get kind(): ConnectionKind {
    if (this.#port === undefined) return "handshake";
    return this.#port instanceof RingPort ? "predecessor" : "client";
  }

  /** The version of the protocol that the other end speaks at best; undefined until it has said so. */
  get protocol(): number | undefined {
    return this.#hello === undefined ? undefined : versionOf(this.#hello.nonce);
  }

  get isOpen(): boolean {
    return !this.#ended;
  }

  /** Ends the connection, after what was answered. */
  close(): void {
    if (this.#ended) return;
    this.#port?.ending();
    this.flush();
    this.#end();
    this.#connection.close();
  }

  /** Ends the connection with a reason that the other end gets. */
  dismiss(error: MeshError): void {
    this.#tell(error);
  }

  /** Of a predecessor: whether it knows that the store has so much of a slot. */
  hasFlushed(slot: number, counter: number): boolean {
    return this.#port instanceof RingPort && this.#port.hasFlushed(slot, counter);
  }

  viewChanged(): void {
    this.#port?.viewChanged();
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#deadline.cancel();
    this.#port?.closed();
    this.#host.connections.delete(this);
    this.#host.strangers.gone(this);
  }

  #fail(error: unknown): void {
    if (error instanceof InvariantError) this.#host.fatal(error);
    if (error instanceof MeshError) this.#refuse(error);
    else if (error instanceof MalformedError) this.#refuse(new MeshError("PROTOCOL", `a frame breaks the format: ${error.message}`));
    else this.#host.fatal(error);
  }

  #refuse(error: MeshError): void {
    if (this.#ended) return;
    // A change of the view is nothing to report.
    if (error.code !== "NODE_BEHIND") this.#host.strangers.refused(this.#connection.remote, error);
    this.#tell(error);
  }

  #tell(error: MeshError): void {
    if (this.#ended) return;
    const at = beginFrame(this.#outbox.out, ERROR, 0, 0);
    writeError(this.#outbox.out, error);
    endFrame(this.#outbox.out, at);
    this.close();
  }

  frame(bytes: Uint8Array, type: number, flags: number, id: number, start: number, end: number): void {
    if (this.#port !== undefined) {
      this.#port.frame(bytes, type, flags, id, start, end);
      // A chunk may ask for far more than it has bytes.
      if (this.#outbox.out.length > ANSWERS_AT_ONCE_BYTES) this.flush();
      return;
    }
    const reader = this.#reader;
    reader.reset(bytes, start, end);
    if (type === HELLO && this.#hello === undefined) this.#challenge(readHello(reader));
    else if (type === PROOF && this.#hello !== undefined) this.#welcome(readProof(reader), this.#hello);
    else throw new MalformedError(`a frame of type ${type} during the handshake`);
  }

  #challenge(hello: Hello): void {
    this.#hello = hello;
    writeChallenge(this.#outbox.out, { authenticates: this.#host.secrets.current.length > 0, nonce: this.#nonce });
  }

  #welcome(proof: Uint8Array, hello: Hello): void {
    const { node, secrets } = this.#host;
    const secret = provedSecret(proof, secrets.current, hello.nonce, this.#nonce);
    this.#deadline.cancel();
    this.#host.strangers.gone(this);
    const isNode = hello.role === Role.Node;
    // Whoever looks for the node that was here before is told who is here now, and no more.
    const isMistaken = isNode && hello.target !== node.replica;
    if (isNode && !isMistaken) this.#checkPredecessor(hello);
    if (!isNode && !this.#host.isComplete) throw joiningError(node.replica, "serves nobody yet; another node goes on");
    writeWelcome(this.#outbox.out, {
      proof: proofOf(secret, "acceptor", hello.nonce, this.#nonce),
      meshId: node.view.meshId,
      epoch: node.view.epoch,
      replica: node.replica,
      members: node.view.members,
      nextReplica: node.view.nextReplica,
      shares: node.view.shares,
      vector: isNode ? node.ring.vector(node.received) : node.appliedVector(),
      departed: node.ring.replicas.slice(node.ring.members),
      isComplete: this.#host.isComplete,
      time: node.clock.now(),
    });
    if (isMistaken) {
      this.close();
      return;
    }
    this.#splitter.bytesMax = FRAME_BYTES_MAX;
    this.#port = isNode ? new RingPort(this.#host, this.#outbox) : new ClientPort(this.#host, this, this.#outbox);
    if (isNode) this.#host.neighbours.predecessorConnected(this);
  }

  /** Refuses whoever is not the predecessor in this node's view. What it says may be a reason to look for a newer view, or to propose one. */
  #checkPredecessor({ replica, epoch }: Hello): void {
    const { node, isEnding, membership } = this.#host;
    const { ring, view } = node;
    if (isEnding) throw new MeshError("NODE_UNREACHABLE", `node ${node.replica} is stopping`);
    if (epoch > view.epoch) void membership.refresh();
    const isCurrent = epoch === view.epoch && !membership.refuses(replica);
    if (isCurrent && replica === ring.replicas[ring.predecessor]) return;
    // Of two newcomers none is to take the other for the mesh: each would wait for it, and nobody would begin the mesh anew.
    if (!this.#host.isComplete) throw joiningError(node.replica, "cannot stand in for anybody");
    // ⚑ A newcomer may have been out of reach itself while those between were silent, and nobody has anything from it yet.
    const isNewcomer = view.members.some((member) => member.replica === replica && member.joining === true);
    if (isCurrent && ring.isMember(replica) && replica !== node.replica && !isNewcomer) membership.claimed(replica);
    throw new MeshError("NODE_BEHIND", `replica ${replica} of epoch ${epoch} does not precede replica ${node.replica} in epoch ${view.epoch}`);
  }
}
