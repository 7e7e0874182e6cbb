// A mesh as its user holds it, embedded or remote: the nodes that it knows, the sessions' calls on their way to them, fail-over and
// deadlines.
//
// A session stays at one node until that node fails it; then its calls go to another one, together with its context. No call is made
// anywhere without what its session has seen, so a move changes nothing in what it may return.

import type { ByteWriter } from "../bytes/writer.js";
import type { Platform, Timer } from "../clock.js";
import { MeshError } from "../errors.js";
import type { Host } from "../host/host.js";
import { backoffMs } from "../host/backoff.js";
import { CALL_TIMEOUT_MS_DEFAULT, TICK_MS, TOKEN_TTL_MS_DEFAULT } from "../limits.js";
import type {
  AbortSignalLike,
  CallOptions,
  Codec,
  Durability,
  MeshOptions,
  MeshStatus,
  RemoteMesh,
  Session,
  SessionOptions,
  TokenInput,
  Transaction,
} from "../mesh.js";
import type { Member } from "../protocol/view.js";
import type { Transport } from "../transport.js";
import type { Welcome } from "../wire/handshake.js";
import { checkSecrets, Secrets } from "../wire/secrets.js";
import { AmbientMesh } from "./ambient-mesh.js";
import { encodeDrain, encodeRemove, isNodesFault, type Call } from "./call.js";
import { jsonCodec, rangeDecoder, type RangeDecoder } from "./codec.js";
import { transactionIn, withoutTransaction, type SessionContext } from "./context.js";
import { parseDuration } from "./duration.js";
import { durabilityLevel } from "./durability.js";
import { checkNamespace } from "./keys.js";
import { NodeCall, OrderCall, StatusCall, type NodeStatus } from "./node-calls.js";
import { closedError, Peer, sameAddress, type PeerOptions } from "./peer.js";
import { ClientSession } from "./session.js";
import { packToken, TokenKeys, unpackToken } from "./token.js";

export interface MeshClientOptions extends MeshOptions {
  readonly addresses: readonly string[];
  readonly transport: Transport;
  readonly platform: Platform;
  /** Nodes in this process, by address. */
  readonly local?: ReadonlyMap<string, Host>;
  /** Runs when the mesh is closed. */
  readonly onClose?: () => Promise<void>;
}

/** The classes that a mesh client is made of; tests put others in their place. */
export interface ClientParts {
  readonly Session: typeof ClientSession;
}

/** Rounds of connecting to all nodes before the mesh is not ready. */
const ROUNDS_MAX = 3;

/** Throws OPTION_INVALID. `createMesh` asks before it starts anything. */
export function checkMeshOptions({ secret, namespace, timeoutMs, tokenTtl, durability }: MeshOptions): void {
  checkSecrets(secret);
  if (namespace !== undefined) checkNamespace(namespace);
  if (timeoutMs !== undefined) parseDuration(timeoutMs, "timeoutMs");
  if (tokenTtl !== undefined) parseDuration(tokenTtl, "tokenTtl");
  if (durability !== undefined) durabilityLevel(durability);
}

export class MeshClient extends AmbientMesh implements RemoteMesh {
  readonly platform: Platform;
  readonly codec: Codec;
  /** Reads a value as the codec does. */
  readonly decode: RangeDecoder;
  readonly namespace: string | undefined;
  readonly durability: Durability;
  readonly retryWrites: boolean;
  readonly #options: MeshClientOptions;
  readonly #parts: ClientParts;
  readonly #timeoutMs: number;
  readonly tokenTtlMs: number;
  #peers: Peer[] = [];
  readonly #peerOptions: PeerOptions;
  readonly #factories = new Map<string, Promise<{ value: unknown; context: SessionContext }>>();
  readonly #secrets: Secrets;
  #tokenKeys: TokenKeys | undefined;
  #meshId: string | undefined;
  readonly #readyWaiters: (() => void)[] = [];
  #sweeper: Timer | undefined;
  /** Coarse time, so that a call costs no look at the clock; fresh while the sweeper runs. */
  #now = 0;
  /** Calls that pause before their next attempt. */
  readonly #pausing = new Set<Call>();
  #closed = false;

  constructor(options: MeshClientOptions, parts: ClientParts = { Session: ClientSession }) {
    super(options.platform);
    const { platform, transport } = options;
    checkMeshOptions(options);
    this.#options = options;
    this.#secrets = new Secrets(options.secret);
    this.#parts = parts;
    this.platform = platform;
    this.codec = options.codec ?? jsonCodec;
    this.decode = rangeDecoder(this.codec);
    this.namespace = options.namespace;
    this.durability = options.durability ?? "replicated";
    this.retryWrites = options.retryWrites ?? true;
    this.#timeoutMs = options.timeoutMs === undefined ? CALL_TIMEOUT_MS_DEFAULT : parseDuration(options.timeoutMs, "timeoutMs");
    this.tokenTtlMs = options.tokenTtl === undefined ? TOKEN_TTL_MS_DEFAULT : parseDuration(options.tokenTtl, "tokenTtl");
    this.#peerOptions = {
      transport,
      platform,
      secrets: this.#secrets,
      welcomed: (peer, welcome) => this.#welcomed(peer, welcome),
      viewChanged: ({ members }) => this.#meet(members),
      failed: (peer, call, error) => this.#failed(peer, call, error),
    };
    for (const address of options.addresses) this.#addPeer(address);
    if (this.#peers.length === 0) throw new MeshError("OPTION_INVALID", "give the address of at least one node, such as 127.0.0.1:7400");
  }

  #addPeer(address: string): Peer {
    const peer = new Peer(address, this.#peerOptions, this.#options.local?.get(address));
    this.#peers.push(peer);
    return peer;
  }

  #welcomed(peer: Peer, welcome: Welcome): void {
    if (this.#meshId !== undefined && this.#meshId !== welcome.meshId) {
      peer.link?.close(new MeshError("PROTOCOL", `${peer.address} belongs to another mesh than the other nodes given; connect to each mesh by its own`));
      return;
    }
    if (this.#meshId === undefined) {
      this.#meshId = welcome.meshId;
      this.#tokenKeys = new TokenKeys(welcome.meshId, this.#secrets);
    }
    this.#meet(welcome.members);
    for (const waiter of this.#readyWaiters.splice(0)) waiter();
  }

  /**
   * Takes note of a view. One address is enough to find the others; those that were given stay known, and a node that has left goes when nothing
   * waits for it. A node may be known under another name already: then two links lead to it, which does no harm.
   */
  #meet(members: readonly Member[]): void {
    const { addresses } = this.#options;
    const isNamed = (peer: Peer): boolean => [...addresses, ...members.map((member) => member.address)].some((address) => sameAddress(address, peer.address));
    this.#peers = this.#peers.filter((peer) => isNamed(peer) || peer.link !== undefined || !peer.isIdle);
    for (const member of members) {
      if (!this.#peers.some(({ address }) => sameAddress(address, member.address))) this.#addPeer(member.address);
    }
  }

  // Sessions.

  session(token?: TokenInput, options: SessionOptions = {}): Session {
    this.#checkOpen();
    const tokens = token === undefined ? [] : typeof token === "string" ? [token] : token;
    if (!Array.isArray(tokens)) throw new MeshError("TOKEN_MALFORMED", "a token is a string; give the one that session.token() returned");
    return this.sessionOf(
      tokens.map((text) => withoutTransaction(this.unpack(text))),
      options,
    );
  }

  /** A session that knows what these contexts know. */
  sessionOf(contexts: readonly SessionContext[], options: SessionOptions): ClientSession {
    return new this.#parts.Session(this, this.#choosePeer(options.node), contexts, options);
  }

  transaction(token: string, options: SessionOptions = {}): Transaction {
    this.#checkOpen();
    const context = this.unpack(token);
    return this.sessionOf([context], options).resume(transactionIn(context));
  }

  unpack(token: string): SessionContext {
    const keys = this.#tokenKeys;
    if (keys === undefined || this.#meshId === undefined)
      throw new MeshError("NODE_UNREACHABLE", "no node has answered yet, so tokens cannot be checked; await mesh.ready() first");
    return unpackToken(token, { meshId: this.#meshId, keys: keys.current, now: this.platform.clock.now() });
  }

  async pack(context: SessionContext): Promise<string> {
    if (this.#meshId === undefined) await this.ready();
    const issuedAt = this.platform.clock.now();
    return packToken(context, { meshId: this.#meshId!, key: this.#tokenKeys!.current[0], issuedAt, expiresAt: issuedAt + this.tokenTtlMs });
  }

  #choosePeer(address: string | undefined): Peer {
    if (address !== undefined) {
      const wanted = this.#peers.find((peer) => sameAddress(peer.address, address));
      if (wanted === undefined)
        throw new MeshError("OPTION_INVALID", `${address} is none of the mesh's nodes: ${this.#peers.map((peer) => peer.address).join(", ")}`);
      return wanted;
    }
    const healthy = this.#peers.filter((peer) => peer.failures === 0);
    const from = healthy.length > 0 ? healthy : this.#peers;
    return from[Math.floor(this.platform.random() * from.length)];
  }

  /** Shares one run of a factory among concurrent calls for a key. */
  async once(key: string, make: () => Promise<{ value: unknown; context: SessionContext }>): Promise<{ value: unknown; context: SessionContext }> {
    const running = this.#factories.get(key);
    if (running !== undefined) return await running;
    const made = make().finally(() => this.#factories.delete(key));
    this.#factories.set(key, made);
    return await made;
  }

  // Calls.

  /** The deadline of a call that begins now, by the coarse clock. */
  deadline(timeoutMs: number | undefined): number {
    if (this.#sweeper === undefined) this.#startSweeper();
    return this.#now + (timeoutMs === undefined ? this.#timeoutMs : checkTimeout(timeoutMs));
  }

  submit(call: Call, peer: Peer, signal: AbortSignalLike | undefined): void {
    if (this.#closed) {
      call.failed(closedError());
      return;
    }
    if (signal !== undefined && !this.#watch(call, signal)) return;
    peer.submit(call);
  }

  /** Fails the call when its signal fires. False: it has fired already. */
  #watch(call: Call, signal: AbortSignalLike): boolean {
    const abort = (): void => {
      if (!call.done)
        call.failed(
          new MeshError("ABORTED", call.sent ? "the call was aborted by its signal; a write may still happen" : "the call was aborted by its signal", {
            cause: signal.reason,
          }),
        );
    };
    if (signal.aborted) {
      abort();
      return false;
    }
    signal.addEventListener("abort", abort, { once: true });
    call.release = () => signal.removeEventListener("abort", abort);
    return true;
  }

  /** Takes a call to another node, unless its failure is one of the call's own. */
  #failed(peer: Peer, call: Call, error: MeshError): void {
    if (call.done) return;
    call.attempts += 1;
    if (this.#closed) call.failed(closedError());
    else if (!isNodesFault(error)) call.failed(error);
    else if (call.sent && !call.repeatable && error.code !== "NODE_BEHIND" && error.code !== "OVERLOADED") {
      call.failed(
        new MeshError("OUTCOME_UNKNOWN", `${peer.address} was lost before it answered; the write may have happened: read it, or write again`, { cause: error }),
      );
    } else if (call instanceof NodeCall || call.attempts >= this.#peers.length * call.roundsMax) call.failed(error);
    else this.#tryElsewhere(peer, call);
  }

  #tryElsewhere(peer: Peer, call: Call): void {
    const next = this.#nextPeer(peer);
    const round = Math.floor(call.attempts / this.#peers.length);
    const send = (): void => {
      this.#pausing.delete(call);
      if (call.done) return;
      call.caller.moved(peer, next);
      if (this.#closed) call.failed(closedError());
      else next.submit(call);
    };
    if (round === 0) send();
    else {
      this.#pausing.add(call);
      this.platform.clock.after(backoffMs(round, this.platform.random), send, true);
    }
  }

  /** The next node in turn, a connected one if there is any. */
  #nextPeer(peer: Peer): Peer {
    const at = this.#peers.indexOf(peer);
    const others = this.#peers.map((_, index) => this.#peers[(at + 1 + index) % this.#peers.length]);
    return others.find((other) => other !== peer && other.link !== undefined) ?? others[0];
  }

  /** The nodes but this one, connected ones first. */
  peersBeside(peer: Peer): Peer[] {
    const others = this.#peers.filter((other) => other !== peer);
    return [...others.filter(({ link }) => link !== undefined), ...others.filter(({ link }) => link === undefined)];
  }

  /** One coarse timer for all deadlines; it runs, and holds the process, while calls are on their way. */
  #startSweeper(): void {
    this.#now = this.platform.clock.monotonic();
    this.#sweeper = this.platform.clock.after(TICK_MS, () => this.#sweep(), true);
  }

  #sweep(): void {
    this.#sweeper = undefined;
    this.#now = this.platform.clock.monotonic();
    if (this.#pausing.size === 0 && this.#peers.every((peer) => peer.isIdle)) return;
    for (const peer of this.#peers) for (const call of peer.pending()) this.#expire(peer, call);
    for (const peer of this.#peers) peer.link?.watch(this.#now);
    for (const call of this.#pausing) this.#expire(undefined, call);
    this.#startSweeper();
  }

  #expire(peer: Peer | undefined, call: Call): void {
    if (call.done || call.deadline > this.#now) return;
    const why = peer?.lastError === undefined ? "" : ` (${peer.lastError.message})`;
    const what = call.sent ? "there was no answer in time; a write may still happen" : "no node was reached in time";
    call.failed(new MeshError("TIMEOUT", `${what}${why}; allow more with timeoutMs, or look at the mesh's status`, { cause: peer?.lastError }));
  }

  // The mesh.

  async ready(options: CallOptions = {}): Promise<void> {
    this.#checkOpen();
    if (this.#peers.some((peer) => peer.link !== undefined)) return;
    const deadline = this.platform.clock.monotonic() + (options.timeoutMs === undefined ? this.#timeoutMs : checkTimeout(options.timeoutMs));
    for (let attempt = 0; ; attempt++) {
      await this.#connectAll(deadline - this.platform.clock.monotonic());
      if (this.#peers.some((peer) => peer.link !== undefined)) return;
      const error = this.#peers.map((peer) => peer.lastError).find((failure) => failure !== undefined);
      // A wrong secret or address does not become right by waiting.
      if (error !== undefined && !error.retryable) throw error;
      if (options.signal?.aborted === true) throw new MeshError("ABORTED", "ready was aborted by its signal", { cause: options.signal.reason });
      if (this.platform.clock.monotonic() > deadline || attempt >= ROUNDS_MAX) throw error ?? new MeshError("TIMEOUT", "no node answered in time");
      await new Promise<void>((resolve) => this.platform.clock.after(backoffMs(attempt, this.platform.random), resolve, true));
    }
  }

  /** Tries each node once; resolves with the first that welcomes, when all have failed, or when the time is over. */
  async #connectAll(timeMs: number): Promise<void> {
    const welcomed = new Promise<void>((resolve) => this.#readyWaiters.push(resolve));
    const failed = Promise.all(
      this.#peers.map(async (peer) => {
        await peer.connect();
        while (peer.link === undefined && peer.isConnecting) await new Promise<void>((resolve) => this.platform.clock.after(1, resolve, true));
      }),
    );
    let timer: Timer | undefined;
    const late = new Promise<void>((resolve) => (timer = this.platform.clock.after(Math.max(0, timeMs), resolve, true)));
    await Promise.race([welcomed, failed, late]);
    timer?.cancel();
  }

  async status(options: CallOptions = {}): Promise<MeshStatus> {
    await this.ready(options);
    const peers = [...this.#peers];
    const answers = await Promise.allSettled(peers.map((peer) => this.#statusOf(peer, options)));
    const found = new Map<number, NodeStatus>();
    for (const answer of answers) if (answer.status === "fulfilled") found.set(answer.value.member.replica, answer.value);
    const failure = answers.find((answer) => answer.status === "rejected");
    if (found.size === 0) throw failure?.reason;
    const statuses = [...found.values()];
    const known = new Set(statuses.map(({ member }) => member.address));
    return {
      epoch: Math.max(...statuses.map((status) => status.epoch)),
      members: statuses.map((status) => status.member),
      // A node may be known under two names, one of which does not lead to it.
      unreachable: peers.filter((peer, index) => answers[index].status === "rejected" && !known.has(peer.address)).map((peer) => peer.address),
    };
  }

  #statusOf(peer: Peer, options: CallOptions): Promise<NodeStatus> {
    return new Promise((resolve, reject) => this.submit(new StatusCall(this.deadline(options.timeoutMs), resolve, reject), peer, options.signal));
  }

  drain(address: string, options: CallOptions = {}): Promise<void> {
    return this.#order(address, encodeDrain, options);
  }

  remove(replica: number, by: string, options: CallOptions & { readonly force?: boolean } = {}): Promise<void> {
    return this.#order(by, (out, id) => encodeRemove(out, id, replica, options.force === true), options);
  }

  async #order(address: string, encode: (out: ByteWriter, id: number) => void, options: CallOptions): Promise<void> {
    const peer = this.#choosePeer(address);
    await new Promise<void>((resolve, reject) => this.submit(new OrderCall(this.deadline(options.timeoutMs), encode, resolve, reject), peer, options.signal));
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const call of this.#pausing) if (!call.done) call.failed(closedError());
    for (const peer of this.#peers) peer.close();
    this.#sweeper?.cancel();
    await this.#options.onClose?.();
  }

  #checkOpen(): void {
    if (this.#closed) throw closedError();
  }
}

function checkTimeout(timeoutMs: number): number {
  if (typeof timeoutMs === "number" && timeoutMs > 0) return timeoutMs;
  throw new MeshError("OPTION_INVALID", `timeoutMs is ${String(timeoutMs)}; give a number of milliseconds above 0`);
}
