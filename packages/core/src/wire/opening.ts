// The opening side of the handshake, the same for a client and for a node that connects to its successor.

import { ByteReader, MalformedError } from "../bytes/reader.js";
import type { Entropy } from "../clock.js";
import { checkProof, newNonce, proofOf, readChallenge, readWelcome, writeHello, writeProof, type Role, type Welcome } from "./handshake.js";
import { CHALLENGE, ERROR, WELCOME, type FrameHandler } from "./frames.js";
import { readError } from "./messages.js";
import type { Outbox } from "./outbox.js";
import type { Secrets } from "./secrets.js";

export interface OpeningOptions {
  readonly role: Role;
  readonly replica: number;
  readonly epoch: number;
  readonly target: number;
  readonly secrets: Secrets;
  readonly entropy: Entropy;
}

/** Says hello when it is made; `welcomed` is called once, and frames after that belong to the owner. */
export class Opening implements FrameHandler {
  readonly #outbox: Outbox;
  readonly #options: OpeningOptions;
  readonly #welcomed: (welcome: Welcome) => void;
  readonly #nonce: Uint8Array;
  readonly #reader = new ByteReader();
  #expected: Uint8Array = new Uint8Array(0);
  #challenged = false;

  constructor(outbox: Outbox, options: OpeningOptions, welcomed: (welcome: Welcome) => void) {
    this.#outbox = outbox;
    this.#options = options;
    this.#welcomed = welcomed;
    this.#nonce = newNonce(options.entropy);
    writeHello(outbox.out, { role: options.role, nonce: this.#nonce, replica: options.replica, epoch: options.epoch, target: options.target });
  }

  /** Throws MalformedError or MeshError (PROTOCOL, PROTOCOL_VERSION, UNAUTHENTICATED, or what the other end refuses with). */
  frame(bytes: Uint8Array, type: number, _flags: number, _id: number, start: number, end: number): void {
    const reader = this.#reader;
    reader.reset(bytes, start, end);
    if (type === ERROR) throw readError(reader);
    if (type === CHALLENGE && !this.#challenged) this.#prove(reader);
    else if (type === WELCOME && this.#challenged) this.#finish(readWelcome(reader));
    else throw new MalformedError(`a frame of type ${type} during the handshake`);
  }

  #prove(reader: ByteReader): void {
    const [secret] = this.#options.secrets.current;
    const challenge = readChallenge(reader);
    this.#challenged = true;
    // A secret on this side only is checked as well: the other end then fails to prove it.
    this.#expected = proofOf(secret, "acceptor", this.#nonce, challenge.nonce);
    writeProof(this.#outbox.out, challenge.authenticates ? proofOf(secret, "opener", this.#nonce, challenge.nonce) : new Uint8Array(0));
  }

  #finish(welcome: Welcome): void {
    checkProof(welcome.proof, this.#expected, this.#outbox.connection.remote);
    this.#welcomed(welcome);
  }
}
