// A node's link to its successor for as long as the view lasts: it connects, again after each loss of the connection, and goes on to the next member
// where the successor is silent for too long. What is sent is the business of a connection (link-session.ts).

import type { Timer } from "../clock.js";
import { MeshError } from "../errors.js";
import { CONNECT_TIMEOUT_MS_DEFAULT, HEARTBEAT_MS } from "../limits.js";
import type { Connection } from "../transport.js";
import { backoffMs } from "./backoff.js";
import type { Host } from "./host.js";
import { LinkSession } from "./link-session.js";
import { Suspicion } from "./suspicion.js";

/** Ticks that may be missed before this process takes itself for the one that stood still. */
const MISSED_TICKS_MAX = 3;

export class RingLink {
  readonly #host: Host;
  readonly #successor: number;
  readonly #suspicion: Suspicion;
  #session: LinkSession | undefined;
  /** Numbers the attempts to connect, so that one that was given up is known when it succeeds after all. */
  #attempt = 0;
  #connecting = false;
  #failures = 0;
  #retry: Timer | undefined;
  #heartbeat: Timer | undefined;
  #tickedAt: number;
  /** Members behind this node that are given up: the link claims to the next one that they are gone. */
  #skipped = 0;
  #closed = false;
  #bytesSentBefore = 0;
  /** Why the link is down, for the log. */
  lastError: MeshError | undefined;

  /** A change of the view is no sign of life: where the successor stays, so does what the link before has heard of it, or not. */
  constructor(host: Host, before?: RingLink) {
    this.#host = host;
    const { node, platform } = host;
    const now = platform.clock.monotonic();
    this.#tickedAt = now;
    this.#successor = node.ring.replicas[node.ring.successor];
    const stays = before !== undefined && before.#successor === this.#successor && before.#skipped === 0;
    this.#suspicion = stays ? before.#suspicion : new Suspicion(host.suspicionBounds, now);
    this.#tick();
  }

  /** What the successor has acknowledged, by slot, once it has all that this node had when it joined. */
  get acknowledged(): readonly number[] | undefined {
    return this.#session?.isComplete === true ? this.#session.acknowledged : undefined;
  }

  get connected(): boolean {
    return this.#session?.ready ?? false;
  }

  get bytesSent(): number {
    return this.#bytesSentBefore + (this.#session?.outbox.bytesSent ?? 0);
  }

  /** Sends what is new. */
  pump(): void {
    this.#session?.pump();
  }

  async connect(): Promise<void> {
    if (this.#closed || this.#connecting || this.#session !== undefined) return;
    const { node, transport } = this.#host;
    const { address, replica } = node.view.members[(node.ring.successor + this.#skipped) % node.ring.members];
    const attempt = ++this.#attempt;
    this.#connecting = true;
    try {
      const connection = await transport.connect(address, (opened) => this.#open(opened, replica, attempt), CONNECT_TIMEOUT_MS_DEFAULT);
      if (this.#closed || attempt !== this.#attempt) connection.close();
      else this.#connecting = false;
    } catch (error) {
      if (attempt !== this.#attempt) return;
      this.#connecting = false;
      this.#lost(error instanceof MeshError ? error : new MeshError("NODE_UNREACHABLE", `cannot connect to ${address}`, { cause: error }));
    }
  }

  #open(connection: Connection, replica: number, attempt: number): LinkSession {
    const session = new LinkSession(this.#host, connection, replica, {
      heard: () => this.#heard(),
      lost: (error) => {
        if (this.#session === session) this.#lost(error);
      },
      replaced: () => this.#giveUp(),
    });
    if (this.#closed || attempt !== this.#attempt) return session;
    this.#session = session;
    // The connection may be used once its events have been handed over.
    this.#host.platform.clock.defer(() => session.start());
    return session;
  }

  #heard(): void {
    this.#suspicion.heard(this.#host.platform.clock.monotonic());
    this.#host.membership.met();
  }

  #lost(error: MeshError | undefined): void {
    if (this.#session?.ready === true) this.#failures = 0;
    this.#forget();
    // That does not heal by itself; once, since it is tried again and again.
    if (error?.code === "UNAUTHENTICATED" && error.message !== this.lastError?.message) this.#host.warn(`the link to the next node fails: ${error.message}`);
    this.lastError = error;
    if (this.#closed) return;
    const { clock, random } = this.#host.platform;
    const lives = error?.code === "NODE_BEHIND";
    // The successor and this node are there, and one of them is not ready for the other yet.
    const waits = error?.retryAfterMs !== undefined && this.#skipped === 0;
    if (lives) {
      // It knows now who is silent, and they are asked again meanwhile.
      this.#skipped = 0;
      this.#host.membership.met();
    }
    if (lives || waits) {
      // Or one of the two has not seen the newest view yet.
      this.#suspicion.reset(clock.monotonic());
      void this.#host.membership.refresh();
    }
    this.#failures += 1;
    this.#retry?.cancel();
    const pauseMs = backoffMs(this.#failures - 1, random);
    // Whoever lives is heard in time to see that it still does.
    this.#retry = clock.after(lives || waits ? Math.min(pauseMs, HEARTBEAT_MS) : pauseMs, () => void this.connect());
  }

  #tick(): void {
    const { clock } = this.#host.platform;
    this.#heartbeat = clock.after(HEARTBEAT_MS, () => {
      const now = clock.monotonic();
      if (now - this.#tickedAt > HEARTBEAT_MS * MISSED_TICKS_MAX) {
        // This process stood still: what it has not heard meanwhile says nothing about others, and they may have gone on without it.
        this.#suspicion.reset(now);
        void this.#host.membership.refresh();
      }
      this.#tickedAt = now;
      if (this.#suspicion.suspects(now)) this.#giveUp();
      else this.#session?.heartbeat();
      this.#tick();
    });
  }

  /** Goes on to the next member; with none left this node is alone, and once more goes round all of them. */
  #giveUp(): void {
    const { node, platform, membership } = this.#host;
    const others = node.ring.members - 1;
    this.#suspicion.reset(platform.clock.monotonic());
    this.#attempt += 1;
    this.#connecting = false;
    this.#retry?.cancel();
    this.#session?.close();
    this.#forget();
    this.#failures = 0;
    this.#skipped = (this.#skipped + 1) % others;
    void this.connect();
    if (this.#skipped === 0) membership.alone();
  }

  close(): void {
    this.#closed = true;
    this.#retry?.cancel();
    this.#heartbeat?.cancel();
    this.#session?.close();
    this.#forget();
  }

  #forget(): void {
    this.#bytesSentBefore = this.bytesSent;
    this.#session = undefined;
  }
}
