// HydroCache, optimistic: each function asks its server for the versions of its keys that fit what its workflow has read so far. Where this server's cut may lack what the workflow has seen
// elsewhere, the versions that the workflow's earlier servers showed it are fetched from there; where a version follows something newer than what was read, the workflow is given up.

import type { ByteReader } from "@causalmesh/core/testing";
import { laterOf } from "../../store/causal-version.js";
import { readList, readTexts, type Rpc, writeTexts } from "../../wire/rpc.js";
import { covers, joined, readVectorMap, type Vector, type VectorMap, writeVectorMap } from "../vectors.js";
import { readVersion, type Version, writeVersion } from "../versions.js";
import { FETCH, FIT, readSources, type Source, writeRead, writeSources } from "./messages.js";
import type { HydroParts, Kind } from "./server.js";

/** Why a workflow is given up. */
export const ABORTS = ["", "too new for what was read", "the pinned version is gone"] as const;
const [, TOO_NEW, GONE] = [0, 1, 2] as const;

interface Asked {
  readonly keys: readonly string[];
  /** Whether what was read is of parallel branches, which nobody has compared yet. */
  readonly isJoined: boolean;
  readonly read: VectorMap;
}

function readAsked(payload: ByteReader): Asked {
  return { keys: readTexts(payload), isJoined: payload.u8() === 1, read: readVectorMap(payload) };
}

type Fitting = { readonly abort: 1 | 2 } | { readonly abort: 0; readonly versions: readonly (Version | undefined)[] };

export class Optimistic implements Kind {
  readonly #parts: HydroParts;

  constructor(parts: HydroParts) {
    this.#parts = parts;
  }

  serve(rpc: Rpc, type: number, id: number, payload: ByteReader): void {
    if (type === FIT) this.#fit(rpc, id, readAsked(payload), readSources(payload)).catch((error: unknown) => rpc.fail(id, error));
    else if (type === FETCH) {
      const asked = readAsked(payload);
      const found = this.#fitting(asked, payload.varint());
      rpc.reply(id, (out) => {
        out.u8(found.abort);
        if (found.abort !== 0) return;
        const known = found.versions.filter((version) => version !== undefined);
        out.varint(known.length);
        for (const version of known) writeVersion(out, { ...version, dependencies: new Map() });
      });
    }
  }

  async #fit(rpc: Rpc, id: number, asked: Asked, sources: readonly Source[]): Promise<void> {
    const { cut, refresh, index } = this.#parts;
    const { keys } = asked;
    const absent = keys.filter((key) => !cut.has(key));
    if (absent.length > 0) await refresh.load(absent);
    const { number } = cut;
    // A source of which this cut has everything is not needed any more: whoever comes later asks here. A server's own later cuts have what its earlier ones had.
    const ahead = sources.filter(({ server, vector }) => server !== index && !covers(cut.complete, vector));
    const here = this.#fitting(asked, number);
    const elsewhere = await Promise.all(ahead.map((source) => this.#fetch(source, asked)));
    const joint = combined(keys, [here, ...elsewhere]);
    const isGone = joint.abort === 0 && keys.some((key, at) => asked.read.has(key) && cut.has(key) && joint.versions[at] === undefined);
    const found: Fitting = isGone ? { abort: GONE } : joint;
    rpc.reply(id, (out) => {
      out.u8(found.abort);
      if (found.abort !== 0) return;
      found.versions.forEach((version) => writeRead(out, { value: version?.value, vector: version?.vector ?? [] }));
      // What was read at sources that are let go has to be found here.
      const dropped = sources.filter((source) => !ahead.includes(source)).map(({ vector }) => vector);
      const own = here.abort === 0 ? here.versions.map((version) => version?.vector ?? []) : [];
      writeSources(out, [
        ...ahead.map((source, at) => withRead(source, elsewhere[at])),
        { server: index, cut: number, vector: [...dropped, ...own].reduce<Vector>(joined, []) },
      ]);
    });
  }

  /** The versions of a cut, where none of them follows something newer than what was read. What was read before is read as it was; undefined where it is not here. */
  #fitting({ keys, read, isJoined }: Asked, cutNumber: number): Fitting {
    const { cut } = this.#parts;
    if (isJoined && [...read.values()].some((vector) => cut.followsNewer(vector, read))) return { abort: TOO_NEW };
    const versions: (Version | undefined)[] = [];
    for (const key of keys) {
      const seen = read.get(key);
      if (seen !== undefined) {
        versions.push(cut.withVector(key, seen));
        continue;
      }
      const version = cut.at(key, cutNumber);
      if (version === undefined && cut.has(key)) return { abort: GONE };
      if (version !== undefined && cut.followsNewer(version.vector, read)) return { abort: TOO_NEW };
      versions.push(version);
    }
    return { abort: 0, versions };
  }

  async #fetch({ server, cut }: Source, asked: Asked): Promise<Fitting> {
    const peer = await this.#parts.peers.to(server);
    return await peer.call(
      FETCH,
      (out) => {
        writeTexts(out, asked.keys);
        out.u8(asked.isJoined ? 1 : 0);
        writeVectorMap(out, asked.read);
        out.varint(cut);
      },
      (payload) => {
        const abort = payload.u8() as 0 | 1 | 2;
        if (abort !== 0) return { abort };
        const versions = new Map(readList(payload, readVersion).map((version) => [version.key, version]));
        return { abort, versions: asked.keys.map((key) => versions.get(key)) };
      },
    );
  }
}

/** What was fetched from a source has been read of its cut, too. */
function withRead(source: Source, found: Fitting): Source {
  if (found.abort !== 0) return source;
  return { ...source, vector: found.versions.map((version) => version?.vector ?? []).reduce<Vector>(joined, source.vector) };
}

/** Of each key the newest of all places: the join of causal cuts is one. Whoever is asked has looked at what was read, so what is joined follows nothing newer either. */
function combined(keys: readonly string[], found: readonly Fitting[]): Fitting {
  const versions = new Array<Version | undefined>(keys.length).fill(undefined);
  for (const one of found) {
    if (one.abort !== 0) return one;
    one.versions.forEach((version, index) => {
      if (version !== undefined) versions[index] = laterOf(versions[index], version);
    });
  }
  return { abort: 0, versions };
}
