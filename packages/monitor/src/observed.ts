// A mesh that writes down what some of its sessions ask and are told. Its sessions, also the ambient ones, are the mesh's own behind `ObservedSession`; everything else is the mesh's as it is.

import {
  AmbientMesh,
  asyncStorage,
  MeshError,
  type CallOptions,
  type Mesh,
  type MeshStatus,
  type Session,
  type SessionOptions,
  type TokenInput,
  type Transaction,
} from "@causalmesh/core";
import type { HistoryLine } from "@causalmesh/checker";
import { ObservedSession } from "./observed-session.js";
import { Observer } from "./observer.js";

export interface ObservedOptions {
  /** Takes each line of the history, at once. What it throws is not the business of the call that was observed, and is lost. */
  readonly report: (line: HistoryLine) => void;
  /** The fraction of sessions that are observed, 0 to 1. Default 0.01. */
  readonly sample?: number;
  /**
   * What keys and tokens are hashed with, at least 16 bytes. Programs that share it are judged together: then they have to be programs of one mesh, and each gives its
   * `namespace`. Default: random, and known to nobody.
   */
  readonly secret?: string;
  /** The namespace that the mesh was opened with. */
  readonly namespace?: string;
}

const SECRET_BYTES_MIN = 16;
const SAMPLE_DEFAULT = 0.01;

/**
 * The same mesh, of which some sessions are written down: reads of one key and writes, as lines of a history (docs/history.md) in which keys are hashes, and values are the versions of
 * writes. Throws OPTION_INVALID. What continues a session that is observed is observed too: forks, and sessions that begin from its tokens in this program. A mesh that was opened by
 * another program shares nothing with this one but what `secret` says.
 */
export function observed(mesh: Mesh, options: ObservedOptions): Mesh {
  const { report, sample = SAMPLE_DEFAULT, secret, namespace } = options;
  if (typeof report !== "function")
    throw new MeshError("OPTION_INVALID", "report is missing; give a function that takes the lines, as in observed(mesh, { report: (line) => … })");
  if (!(typeof sample === "number" && sample >= 0 && sample <= 1))
    throw new MeshError("OPTION_INVALID", `sample is ${String(sample)}; give a fraction from 0 to 1`);
  if (secret !== undefined && Buffer.byteLength(secret) < SECRET_BYTES_MIN)
    throw new MeshError("OPTION_INVALID", `the secret of an observed mesh has at least ${SECRET_BYTES_MIN} bytes, so that nobody finds keys by trying`);
  return new ObservedMesh(mesh, new Observer({ report, sample, secret, namespace }));
}

class ObservedMesh extends AmbientMesh {
  readonly #mesh: Mesh;
  readonly #observer: Observer;

  constructor(mesh: Mesh, observer: Observer) {
    super({ asyncStorage });
    this.#mesh = mesh;
    this.#observer = observer;
  }

  session(token?: TokenInput, options?: SessionOptions): Session {
    const session = this.#mesh.session(token, options);
    const tokens = token === undefined ? [] : typeof token === "string" ? [token] : token;
    return new ObservedSession(session, this.#observer, this.#observer.begin(tokens), options?.namespace);
  }

  /** Goes on with a transaction of which some was written elsewhere; it is not observed. */
  transaction(token: string, options?: SessionOptions): Transaction {
    return this.#mesh.transaction(token, options);
  }

  async ready(options?: CallOptions): Promise<void> {
    await this.#mesh.ready(options);
  }

  async status(options?: CallOptions): Promise<MeshStatus> {
    return await this.#mesh.status(options);
  }

  async close(): Promise<void> {
    await this.#mesh.close();
  }
}
