// The commit of a transaction: one write that is made once (protocol/commits.ts). One that was made before, here or elsewhere, is answered with
// what it was.

import { ABSENT } from "../cache/cache.js";
import { ByteReader } from "../bytes/reader.js";
import { MeshError } from "../errors.js";
import { LOAD_ATTEMPTS_MAX } from "../limits.js";
import type { Commit } from "../protocol/commits.js";
import type { Node } from "../protocol/node.js";
import { COMMIT_IN_STORE } from "../protocol/own-keys.js";
import { CHANGE_DELETES } from "../protocol/segment.js";
import { EMPTY_VECTOR } from "../protocol/vector.js";
import { beginFrame, COMMITTED, endFrame } from "../wire/frames.js";
import { readNumbers, readVector, writeVector } from "../wire/messages.js";
import type { ClientPort } from "./client-port.js";
import type { Host } from "./host.js";
import { Level } from "./waiters.js";
import type { WriteRequest } from "./write-request.js";

export class Committing {
  readonly #host: Host;
  readonly #node: Node;
  readonly #port: ClientPort;
  readonly #request: WriteRequest;
  readonly #reader = new ByteReader();

  constructor(host: Host, port: ClientPort, request: WriteRequest) {
    this.#host = host;
    this.#node = host.node;
    this.#port = port;
    this.#request = request;
  }

  /**
   * COMMIT: what the transaction had seen when its token was first given out, or it was first committed; the nodes that were asked before and have not answered; and the payload
   * of a WRITE, made again or not, whose first change stands for the transaction.
   */
  commit(bytes: Uint8Array, id: number, start: number, end: number, isAgain: boolean, attempts = 0): void {
    const node = this.#node;
    this.#reader.reset(bytes, start, end);
    const begun = readVector(this.#reader);
    const tried = readNumbers(this.#reader);
    this.#request.read(bytes, this.#reader.at, end, true, isAgain);
    const key = this.#request.commitKey();
    let known = node.committed(key);
    if (known === undefined && key.startsWith(COMMIT_IN_STORE) && node.mayHaveForgotten(begun)) {
      const at = this.#entry(bytes);
      if (at === 0) {
        this.#load(bytes, id, start, end, isAgain, attempts);
        return;
      }
      known = this.#stored(at);
    }
    if (known !== undefined) {
      this.#answer(id, known);
      return;
    }
    const elsewhere = tried.find((replica) => !node.knowsCommitsOf(replica, begun));
    if (elsewhere !== undefined)
      throw new MeshError(
        "NODE_BEHIND",
        `this commit was asked of replica ${elsewhere} before, which has not answered; it may have made it, and node ${node.replica} does not know`,
      );
    // The store may have been asked meanwhile, and it was a while ago that the request came in.
    this.#port.checkServing();
    this.#port.makeWrite(id);
    node.noteCommit(key, { replica: node.replica, counter: node.counter, timestamp: node.written });
  }

  /** The complete entry of the key that stands for the transaction; 0 where the store has to be asked. */
  #entry(bytes: Uint8Array): number {
    const at = this.#node.cache.find(bytes, ...this.#request.firstKey);
    return at !== 0 && this.#port.isShowable(at, false) ? at : 0;
  }

  #load(bytes: Uint8Array, id: number, start: number, end: number, isAgain: boolean, attempts: number): void {
    if (attempts >= LOAD_ATTEMPTS_MAX) throw new MeshError("OVERLOADED", "the cache is too small for the keys in use; give the node more cacheBytes");
    const [keyAt, keyLength] = this.#request.firstKey;
    const place = [keyAt - start, keyLength, this.#node.cache.hash(bytes, keyAt, keyLength)];
    const request = bytes.slice(start, end);
    this.#port.loadThen(id, request, place, false, () => this.commit(request, id, 0, request.length, isAgain, attempts + 1));
  }

  /** The commit that the store, or the cache, has under the key; undefined where there was none. */
  #stored(at: number): Commit | undefined {
    const { cache } = this.#node;
    if ((cache.flags(at) & ABSENT) !== 0) return undefined;
    return { replica: cache.replica(at), counter: cache.counter(at), timestamp: cache.timestamp(at) };
  }

  /** Answers when the commit has reached the level that is asked for now. */
  #answer(id: number, commit: Commit): void {
    const level = this.#request.durability;
    if (this.#hasReached(commit, level)) this.#put(id, commit);
    else
      this.#host.waiters.until(
        () => this.#hasReached(commit, level),
        () => this.#port.later(id, () => this.#put(id, commit)),
      );
  }

  #hasReached({ replica, counter }: Commit, level: Level): boolean {
    const { node, neighbours } = this.#host;
    const slot = node.ring.indexOf(replica);
    // Of a replica without a slot everybody has everything, and so has the store.
    if (slot < 0) return true;
    if (level === Level.Stored) return node.flushed[slot] >= counter;
    if (level === Level.Everywhere) return neighbours.everywhere(slot) >= counter;
    return level !== Level.Replicated || slot !== node.ring.self || neighbours.replicated >= counter;
  }

  /** What is not shown here yet goes along, as it was committed: the session keeps it as a write of its own. */
  #put(id: number, { replica, counter, timestamp }: Commit): void {
    const node = this.#node;
    node.seal();
    const pending = node.pendingWrite(replica, counter);
    this.#port.bringHeader();
    const { out } = this.#port;
    const frame = beginFrame(out, COMMITTED, 0, id);
    out.u32(replica);
    out.f64(counter);
    out.f64(timestamp);
    writeVector(out, pending?.vector ?? EMPTY_VECTOR);
    const changes = pending?.changes ?? [];
    out.varint(changes.length);
    for (const { key, value, flags, expiresAt } of changes) {
      out.u8(flags & CHANGE_DELETES);
      out.f64(expiresAt);
      out.blob(key);
      out.blob(value);
    }
    endFrame(out, frame);
  }
}
