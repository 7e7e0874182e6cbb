// A node that is a member of a mesh for as long as its process runs: it joins, joins anew under another replica id when the mesh has gone on
// without it, and leaves at the end.

import type { Timer } from "../clock.js";
import { MeshError } from "../errors.js";
import { backoffMs } from "../host/backoff.js";
import { Host, type HostParts } from "../host/host.js";
import { debugOf } from "../host/status.js";
import { LEAVE_TIMEOUT_MS } from "../limits.js";
import type { AbortSignalLike, DurationName, DurationSummary, MemberStatus, NodeDebug } from "../mesh.js";
import { changeView, formedView, viewWith, viewWithout } from "../protocol/view.js";
import { checkSecrets } from "../wire/secrets.js";
import { randomId, systemPlatform } from "./platform.js";
import { checkBounds, retentionMs, startHost, type RunningNode, type StartNodeOptions } from "./start-node.js";

/**
 * Starts a node: the member of the view that `formMesh` gave it, or one that joins the mesh on this store, which begins where there is none or
 * all of it is down. It joins anew when the mesh has gone on without it. Resolves when it serves sessions. Rejects with ADDRESS_…, STORE_…
 * or OPTION_INVALID.
 */
export async function startNode(options: StartNodeOptions): Promise<RunningNode> {
  const node = new MemberNode(options);
  await node.start();
  return node;
}

export class MemberNode implements RunningNode {
  readonly address: string;
  readonly #options: StartNodeOptions;
  readonly #parts: HostParts | undefined;
  #host!: Host;
  #ended = false;
  /** On its way into the view. */
  #entering: Promise<void> | undefined;
  /** Who waits for the node to serve for the first time. */
  #starting: { readonly resolve: () => void; readonly reject: (error: Error) => void } | undefined;
  #retry: Timer | undefined;

  /** The simulator gives other classes. */
  constructor(options: StartNodeOptions, parts?: HostParts) {
    checkSecrets(options.secret);
    checkBounds(options);
    this.address = options.address;
    this.#options = options;
    this.#parts = parts;
  }

  get host(): Host {
    return this.#host;
  }

  get replica(): number {
    return this.#host.replica;
  }

  status(): MemberStatus {
    return this.#host.status();
  }

  debug(): NodeDebug {
    return debugOf(this.#host);
  }

  durations(): Readonly<Record<DurationName, DurationSummary>> {
    const { write, load, flush } = this.#host.figures.durations;
    return { write: write.summary(), load: load.summary(), flush: flush.summary() };
  }

  /** Resolves when it serves sessions, under whichever replica id. */
  async start(): Promise<void> {
    const { signal } = this.#options;
    if (signal === undefined) return await this.#start();
    if (signal.aborted) throw abortedError(signal);
    let abort!: () => void;
    const aborted = new Promise<never>((_resolve, reject) => (abort = () => reject(abortedError(signal))));
    signal.addEventListener("abort", abort, { once: true });
    const started = this.#start();
    try {
      await Promise.race([started, aborted]);
    } catch (error) {
      // What it has entered it leaves again; why it did not start then is nobody's question any more.
      started.catch(() => undefined);
      if (signal.aborted) await this.close();
      throw error;
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  async #start(): Promise<void> {
    const { replica } = this.#options;
    if (replica !== undefined) {
      this.#entering = this.#takeGivenPlace(replica);
      await this.#entering;
      return;
    }
    const serving = new Promise<void>((resolve, reject) => (this.#starting = { resolve, reject }));
    try {
      await this.#enter();
      await serving;
    } finally {
      this.#starting = undefined;
    }
  }

  async #takeGivenPlace(replica: number): Promise<void> {
    this.#host = await startHost({ ...this.#options, replica, onExpelled: () => void this.#again(0) }, this.#parts);
  }

  /**
   * Enters the view. What it lacks comes from its predecessor then; unless the mesh has ended, or was found down in the epoch `aloneIn`: that one
   * begins anew with what the store has.
   */
  async #enter(aloneIn?: number): Promise<void> {
    this.#entering = this.#takePlace(aloneIn);
    await this.#entering;
  }

  async #takePlace(aloneIn: number | undefined): Promise<void> {
    const { store, address, platform = systemPlatform } = this.#options;
    const now = platform.clock.now();
    const view = (await changeView(store, ({ view: before, flushed }) =>
      before === undefined || before.ended === true || before.epoch === aloneIn
        ? formedView(before, flushed, [address], () => randomId(platform.entropy), now)
        : viewWith(before, address, now),
    ))!;
    const { replica } = view.members[view.members.length - 1];
    const joins = view.members.length > 1;
    const onExpelled = (): void => void this.#again(0);
    const onAlone = (epoch: number): void => void this.#again(0, epoch);
    const onFatal = (error: Error): void => this.#failed(replica, error);
    const host = new Host(
      { ...this.#options, snapshotRetentionMs: retentionMs(this.#options), view, replica, platform, joins, onExpelled, onAlone, onFatal },
      this.#parts,
    );
    this.#host = host;
    try {
      await host.start();
    } catch (error) {
      await this.#withdraw(replica);
      throw error;
    }
    void host.newcomer.whenComplete().then(() => this.#serves());
  }

  #serves(): void {
    if (this.#starting === undefined) this.#options.onRejoined?.(this.replica);
    else this.#starting.resolve();
  }

  /** A node that cannot even begin, by its secret or its clock, is nothing that the mesh has to find out about. */
  #failed(replica: number, error: Error): void {
    if (this.#starting === undefined) {
      this.#options.onFatal?.(error);
      return;
    }
    const { reject } = this.#starting;
    void this.#withdraw(replica).then(
      () => reject(error),
      () => reject(error),
    );
  }

  /** Takes a place back that nobody has met yet, so that nothing of it is to be kept. */
  async #withdraw(replica: number): Promise<void> {
    const { store, platform = systemPlatform } = this.#options;
    await changeView(store, ({ view: before }) =>
      before?.members.some((member) => member.replica === replica) === true && before.members.length > 1
        ? viewWithout(before, new Set([replica]), () => undefined, platform.clock.now())
        : undefined,
    );
  }

  async #again(failures: number, aloneIn?: number): Promise<void> {
    if (this.#ended) return;
    const { platform = systemPlatform, onWarning } = this.#options;
    try {
      if (failures === 0)
        onWarning?.(
          aloneIn === undefined
            ? `the mesh has gone on without replica ${this.replica}, which was out of reach; this node joins it anew`
            : "no node of this mesh answers; this one begins it anew with what the store has",
        );
      await this.#enter(aloneIn);
    } catch (error) {
      onWarning?.(`this node could not join again: ${(error as MeshError).message}`);
      this.#retry = platform.clock.after(backoffMs(failures, platform.random), () => void this.#again(failures + 1, aloneIn), true);
    }
  }

  async close({ graceMs = LEAVE_TIMEOUT_MS }: { readonly graceMs?: number } = {}): Promise<void> {
    this.#ended = true;
    this.#retry?.cancel();
    // Otherwise it would be in the mesh just after it has left.
    await this.#entering?.catch(() => undefined);
    const host = this.#host as Host | undefined;
    // It was stopped before it could take a place.
    if (host === undefined) return;
    if (host.isComplete) {
      await host.leave(graceMs);
      return;
    }
    // Nobody counts on it yet; where the store is away, the others find out that it is gone.
    await host.end();
    await this.#withdraw(host.replica).catch(() => undefined);
  }
}

function abortedError(signal: AbortSignalLike): MeshError {
  return new MeshError("ABORTED", "the node was told to stop before it served anybody", { cause: signal.reason });
}
