// HydroCache, conservative: before a workflow starts, every server that it is going to visit pins a snapshot of all that it is going to read, and fetches from the others
// what is older here than there. The join of causal cuts is a causal cut, so what is pinned then is one. Functions read the pinned snapshot.

import type { ByteReader } from "@causalmesh/core/testing";
import { nothing, readList, readTexts, type Rpc, writeTexts } from "../../wire/rpc.js";
import { laterOf } from "../../store/causal-version.js";
import { covers, readVector, type Vector, writeVector } from "../vectors.js";
import { readVersion, type Version, writeVersion } from "../versions.js";
import { CLEAN, type KeysByServer, PIN, PREPARE, PULL, READ, READ_PINNED, readKeysByServer, writeKeysByServer, writeRead } from "./messages.js";
import { answered, type HydroParts, type Kind } from "./server.js";

/** A version of before everything, of a key that the store does not have. */
const NOTHING: Vector = [];

export class Conservative implements Kind {
  readonly #parts: HydroParts;
  /** Snapshots by workflow. */
  readonly #pinned = new Map<number, Map<string, Version | undefined>>();

  constructor(parts: HydroParts) {
    this.#parts = parts;
  }

  get snapshots(): number {
    return this.#pinned.size;
  }

  serve(rpc: Rpc, type: number, id: number, payload: ByteReader): void {
    if (type === PREPARE) answered(rpc, id, this.#prepare(payload.varint(), readKeysByServer(payload)));
    else if (type === PIN) {
      this.#pin(payload.varint(), readTexts(payload)).then(
        (vectors) =>
          rpc.reply(id, (out) => {
            out.varint(vectors.length);
            for (const vector of vectors) writeVector(out, vector);
          }),
        (error: unknown) => rpc.fail(id, error),
      );
    } else if (type === PULL) answered(rpc, id, this.#pull(payload.varint(), readKeysByServer(payload)));
    else if (type === READ_PINNED) {
      const pinned = this.#pinned.get(payload.varint())!;
      const versions = readTexts(payload).map((key) => pinned.get(key)!);
      rpc.reply(id, (out) => {
        out.varint(versions.length);
        // Whoever pulls a version has, or is pulling, what it depends on.
        for (const version of versions) writeVersion(out, { ...version, dependencies: new Map() });
      });
    } else if (type === READ) {
      const pinned = this.#pinned.get(payload.varint())!;
      const versions = readTexts(payload).map((key) => pinned.get(key));
      rpc.reply(id, (out) => versions.forEach((version) => writeRead(out, { value: version?.value, vector: version?.vector ?? NOTHING })));
    } else if (type === CLEAN) this.#pinned.delete(payload.varint());
  }

  /** As the coordinator: `reads` are the keys that are going to be read, by server; a server without any takes no part. */
  async #prepare(workflow: number, reads: KeysByServer): Promise<void> {
    const keys = [...new Set([...reads.values()].flat())];
    const servers = [...reads.keys()];
    const vectors = await Promise.all(servers.map((server) => this.#pinAt(server, workflow, keys)));
    const pulls = servers.map((server, at) => {
      const wanted = new Map<number, string[]>();
      for (const key of reads.get(server)!) for (const other of newerAt(vectors, at, keys.indexOf(key))) push(wanted, servers[other], key);
      return { server, wanted };
    });
    await Promise.all(pulls.filter(({ wanted }) => wanted.size > 0).map(({ server, wanted }) => this.#pullAt(server, workflow, wanted)));
  }

  async #pinAt(server: number, workflow: number, keys: readonly string[]): Promise<Vector[]> {
    if (server === this.#parts.index) return await this.#pin(workflow, keys);
    const peer = await this.#parts.peers.to(server);
    return await peer.call(
      PIN,
      (out) => {
        out.varint(workflow);
        writeTexts(out, keys);
      },
      (payload) => readList(payload, readVector),
    );
  }

  async #pin(workflow: number, keys: readonly string[]): Promise<Vector[]> {
    const { cut, refresh } = this.#parts;
    const absent = keys.filter((key) => !cut.has(key));
    if (absent.length > 0) await refresh.load(absent);
    const versions = keys.map((key) => cut.newest(key));
    this.#pinned.set(workflow, new Map(keys.map((key, index) => [key, versions[index]])));
    return versions.map((version) => version?.vector ?? NOTHING);
  }

  async #pullAt(server: number, workflow: number, wanted: KeysByServer): Promise<void> {
    if (server === this.#parts.index) {
      await this.#pull(workflow, wanted);
      return;
    }
    const peer = await this.#parts.peers.to(server);
    await peer.call(
      PULL,
      (out) => {
        out.varint(workflow);
        writeKeysByServer(out, wanted);
      },
      nothing,
    );
  }

  async #pull(workflow: number, wanted: KeysByServer): Promise<void> {
    const pinned = this.#pinned.get(workflow)!;
    await Promise.all(
      [...wanted].map(async ([owner, keys]) => {
        const peer = await this.#parts.peers.to(owner);
        const versions = await peer.call(
          READ_PINNED,
          (out) => {
            out.varint(workflow);
            writeTexts(out, keys);
          },
          (payload) => readList(payload, readVersion),
        );
        for (const version of versions) pinned.set(version.key, laterOf(pinned.get(version.key), version));
      }),
    );
  }
}

/** The others whose version of a key has something that the one at `at` has not; one of those that are alike. */
function newerAt(vectors: readonly (readonly Vector[])[], at: number, key: number): number[] {
  const chosen: number[] = [];
  for (let other = 0; other < vectors.length; other++) {
    const vector = vectors[other][key];
    if (other !== at && !covers(vectors[at][key], vector) && !chosen.some((one) => covers(vectors[one][key], vector))) chosen.push(other);
  }
  return chosen;
}

function push(map: Map<number, string[]>, server: number, key: string): void {
  const keys = map.get(server);
  if (keys === undefined) map.set(server, [key]);
  else if (!keys.includes(key)) keys.push(key);
}
