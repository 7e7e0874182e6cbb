// The sessions of a driven mesh (driven-mesh.ts): what steps ask of them, with production's clients, and what they are answered. They roam by tokens,
// as workflows do.

import type { OpenTransaction } from "../client/open-transaction.js";
import type { MeshClient } from "../client/mesh-client.js";
import type { ClientSession } from "../client/session.js";
import type { ClientTransaction } from "../client/transaction.js";
import { MeshError } from "../errors.js";
import { covers } from "../protocol/vector.js";
import { addressOf, keyOf, type Deed, type DrivenChange, type DrivenRequest, type DrivenValues } from "./driven-steps.js";

/** A session as it stands, and its transaction. */
export interface DrivenSession {
  session: ClientSession;
  node: number;
  transaction: ClientTransaction | undefined;
  /** The transaction as its last token has it. */
  open: OpenTransaction | undefined;
  isFresh: boolean;
}

export class DrivenSessions {
  readonly all: readonly DrivenSession[];
  readonly #clients: readonly MeshClient[];
  /** The nodes that were told what a session knows; emptied here. */
  readonly #told: Set<number>;
  #values = 0;

  /** The clients have met every node. */
  constructor(count: number, clients: readonly MeshClient[], told: Set<number>) {
    this.#clients = clients;
    this.#told = told;
    this.all = Array.from({ length: count }, (_, index) => {
      const session = this.#clientOf(index).sessionOf([], { node: addressOf(0) });
      return { session, node: 0, transaction: undefined, open: undefined, isFresh: true };
    });
  }

  #clientOf(session: number): MeshClient {
    return this.#clients[session % this.#clients.length];
  }

  async ask(node: number, requests: readonly DrivenRequest[]): Promise<Deed[]> {
    const possible = this.#possible(requests);
    for (const { session } of possible) await this.#moveTo(session, node);
    return await Promise.all(
      possible.map((request) => ("read" in request ? this.#read(request.session, node, request.read) : this.#write(request.session, node, request.write))),
    );
  }

  /**
   * One request of each session, over one connection, which keeps their order; where the nodes are in the client's process one request, since it may look
   * into their caches itself. A session with an open transaction does not write by itself.
   */
  #possible(requests: readonly DrivenRequest[]): DrivenRequest[] {
    const asking = new Set<number>();
    let client: MeshClient | undefined;
    return requests.filter((request) => {
      const { session, transaction } = this.all[request.session];
      const isTogether = client === undefined || (client === session.mesh && session.peer.local === undefined);
      if (!isTogether || asking.has(request.session) || ("write" in request && transaction !== undefined)) return false;
      asking.add(request.session);
      client = session.mesh;
      return true;
    });
  }

  /** Goes on at a node, by a token if that is another one. */
  async #moveTo(index: number, node: number): Promise<void> {
    const driven = this.all[index];
    driven.isFresh = false;
    if (driven.node === node) return;
    if (driven.transaction !== undefined) return await this.#resume(index, node);
    driven.session = this.#clientOf(index).session(await driven.session.token(), { node: addressOf(node) }) as ClientSession;
    driven.node = node;
  }

  async #read(index: number, node: number, keys: readonly number[]): Promise<Deed> {
    const { session } = this.all[index];
    const values = keys.length === 1 ? [await session.get<number>(keyOf(keys[0]))] : await session.getMany<number>(keys.map(keyOf));
    return { did: "read", session: index, node, keys, values: valuesOf(keys, values) };
  }

  /** Sets all of the keys, unless all are to be deleted: only a transaction does both. */
  async #write(index: number, node: number, changes: readonly DrivenChange[]): Promise<Deed> {
    const { session } = this.all[index];
    const deletes = changes.every((change) => change.deletes);
    const made = this.#numbered(changes.map(({ key }) => ({ key, deletes })));
    if (deletes) await session.deleteMany(changes.map(({ key }) => keyOf(key)));
    else await session.setMany(changes.map(({ key }) => [keyOf(key), made[key]] as const));
    return { did: "write", session: index, node, changes: made, time: timeOfNewest(session) };
  }

  #numbered(changes: readonly DrivenChange[]): DrivenValues {
    return Object.fromEntries(changes.map(({ key, deletes }) => [key, deletes ? 0 : ++this.#values]));
  }

  async join(index: number, from: number): Promise<Deed[]> {
    const driven = this.all[index];
    if (index === from) return [];
    const other = this.all[from];
    if (driven.isFresh && this.#clientOf(index) === this.#clientOf(from)) {
      driven.session = other.session.fork() as ClientSession;
      driven.node = other.node;
    } else driven.session.join(await this.#clientOf(from).pack(other.session.context()));
    driven.isFresh = false;
    return [{ did: "join", session: index, other: from }];
  }

  // Transactions.

  /** Goes on with the transaction's token. */
  async #resume(index: number, node: number): Promise<void> {
    const driven = this.all[index];
    const transaction = this.#clientOf(index).transaction(await driven.transaction!.token(), { node: addressOf(node) }) as ClientTransaction;
    Object.assign(driven, { transaction, session: transaction.session, node });
  }

  async transact(index: number, node: number, keys: readonly number[], packed: boolean): Promise<Deed[]> {
    const driven = this.all[index];
    if (packed && driven.transaction !== undefined) await this.#resume(index, node);
    else await this.#moveTo(index, node);
    driven.transaction ??= driven.session.begin();
    const { visible } = driven.session.context();
    const before = driven.open?.snapshot?.vector;
    const at = { session: index, node };
    this.#told.clear();
    const values = await this.#readIn(driven, index, keys);
    const now = driven.open?.snapshot?.vector;
    const isExtended = before !== undefined && now !== undefined && !covers(before, now);
    const deeds: Deed[] = [];
    if (before === undefined) deeds.push({ did: "begin", ...at });
    // It has learnt what the session knows, though it could not answer.
    else if (values === undefined) deeds.push({ did: "tell", ...at });
    // Where the node did not know everything, and what it shows now did not do: the session has seen that, and others were asked.
    if (before !== undefined && !isExtended && !covers(visible, driven.session.context().visible)) deeds.push({ did: "read", ...at, keys: [], values: {} });
    for (const other of this.#told) if (other !== node) deeds.push({ did: "tell", session: index, node: other });
    deeds.push(values === undefined ? { did: "end", session: index } : { did: "snapshot", ...at, keys, values, isExtended });
    return deeds;
  }

  /** Undefined where no node knows what the keys were, and the transaction is given up. */
  async #readIn(driven: DrivenSession, index: number, keys: readonly number[]): Promise<DrivenValues | undefined> {
    try {
      const values = await driven.transaction!.getMany<number>(keys.map(keyOf));
      driven.open = this.#clientOf(index).unpack(await driven.transaction!.token()).transaction!;
      return valuesOf(keys, values);
    } catch (error) {
      if (!(error instanceof MeshError && error.code === "SNAPSHOT_TOO_OLD")) throw error;
      end(driven);
      return undefined;
    }
  }

  async commit(index: number, node: number, changes: readonly DrivenChange[]): Promise<Deed[]> {
    const driven = this.all[index];
    if (driven.transaction === undefined) return [];
    await this.#moveTo(index, node);
    const { transaction, session } = driven;
    const made = this.#numbered(changes);
    await transaction.setMany(changes.filter(({ deletes }) => !deletes).map(({ key }) => [keyOf(key), made[key]] as const));
    await transaction.deleteMany(changes.filter(({ deletes }) => deletes).map(({ key }) => keyOf(key)));
    await transaction.commit();
    end(driven);
    return [changes.length > 0 ? { did: "commit", session: index, node, changes: made, time: timeOfNewest(session) } : { did: "end", session: index }];
  }

  rollback(index: number): Deed[] {
    const driven = this.all[index];
    if (driven.transaction === undefined) return [];
    driven.transaction.rollback();
    end(driven);
    return [{ did: "end", session: index }];
  }
}

function end(driven: DrivenSession): void {
  driven.transaction = undefined;
  driven.open = undefined;
}

function valuesOf(keys: readonly number[], values: readonly (number | undefined)[]): DrivenValues {
  return Object.fromEntries(keys.flatMap((key, at) => (values[at] === undefined ? [] : [[key, values[at]]])));
}

/** The timestamp of the session's newest own write. */
function timeOfNewest(session: ClientSession): number {
  return session.context().own.at(-1)!.timestamp;
}
