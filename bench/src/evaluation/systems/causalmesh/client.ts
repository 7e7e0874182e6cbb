// Workflows on our mesh, through the SDK: as sessions, or each as one transaction.

import { connectMesh, MeshError, type Mesh, type Session, type Transaction } from "@causalmesh/core";
import { Aborted, type ClientOptions, type Context, type FunctionRun, type SystemClient } from "../system.js";

/** A busy machine may hold a call up for longer than the default of ten seconds only where it is lost. */
const TIMEOUT_MS = 20_000;

export async function sessionClient(options: ClientOptions): Promise<SystemClient> {
  const mesh = await open(options);
  return {
    ...common(mesh, options.addresses),
    enter: async (contexts, server) => new SessionRun(mesh.session(contexts as string[], { node: options.addresses[server] })),
  };
}

export async function transactionClient(options: ClientOptions): Promise<SystemClient> {
  const mesh = await open(options);
  const enter = (contexts: readonly Context[], server: number): Transaction => {
    const node = options.addresses[server];
    if (contexts.length === 0) return mesh.session(undefined, { node }).begin();
    return mesh.transaction(contexts[0] as string, { node });
  };
  return { ...common(mesh, options.addresses), enter: async (contexts, server) => new TransactionRun(enter(contexts, server)) };
}

async function open({ addresses, transport, platform }: ClientOptions): Promise<Mesh> {
  return await connectMesh({ nodes: addresses, timeoutMs: TIMEOUT_MS }, transport, platform);
}

function common(mesh: Mesh, addresses: readonly string[]): Omit<SystemClient, "enter"> {
  return {
    begin: async () => undefined,
    fill: async (keys, value) =>
      await mesh.session().setMany(
        keys.map((key) => [key, value] as const),
        { durability: "stored" },
      ),
    warm: async (server, keys) => void (await mesh.session(undefined, { node: addresses[server] }).getMany(keys)),
    close: async () => await mesh.close(),
  };
}

class SessionRun implements FunctionRun {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  async read(keys: readonly string[]): Promise<(string | undefined)[]> {
    return keys.length === 1 ? [await this.#session.get<string>(keys[0])] : await this.#session.getMany<string>(keys);
  }

  write(key: string, value: string): Promise<void> {
    return this.#session.set(key, value);
  }

  leave(): Promise<Context> {
    return this.#session.token();
  }

  async finish(): Promise<void> {}
}

class TransactionRun implements FunctionRun {
  readonly #transaction: Transaction;

  constructor(transaction: Transaction) {
    this.#transaction = transaction;
  }

  async read(keys: readonly string[]): Promise<(string | undefined)[]> {
    try {
      return keys.length === 1 ? [await this.#transaction.get<string>(keys[0])] : await this.#transaction.getMany<string>(keys);
    } catch (error) {
      throw error instanceof MeshError && error.code === "SNAPSHOT_TOO_OLD" ? new Aborted("snapshot too old") : error;
    }
  }

  write(key: string, value: string): Promise<void> {
    return this.#transaction.set(key, value);
  }

  leave(): Promise<Context> {
    return this.#transaction.token();
  }

  async finish(): Promise<void> {
    await this.#transaction.commit();
  }
}
