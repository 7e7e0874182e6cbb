// What Redis and the network say, as the mesh's errors.

import { MeshError, type MeshErrorCode } from "@causalmesh/core";

const CAUSES: readonly (readonly [pattern: RegExp, code: MeshErrorCode, advice: string])[] = [
  [/^OOM |No space left/, "STORE_FULL", "the server's memory (maxmemory) or disk is full; make room, a running node then goes on by itself"],
  [/^(READONLY|MASTERDOWN)\b/, "STORE_UNAVAILABLE", "this server is a replica and takes no writes; give the address of the primary"],
  [/^LOADING\b/, "STORE_UNAVAILABLE", "the server is still reading what it kept"],
  [/^(MISCONF|BUSY|NOREPLICAS|TRYAGAIN|UNBLOCKED)\b|max number of clients/, "STORE_UNAVAILABLE", "the server takes no calls at the moment; see its log"],
  [/^(NOAUTH|WRONGPASS)\b|invalid (username-)?password|AUTH .*called without/, "STORE_LOCKED", "the server wants another user or password; check both"],
  [/^NOPERM\b/, "STORE_LOCKED", "this user may not do that; see the rights in the README of @causalmesh/adapter-redis"],
  [
    /^(MOVED|ASK|CROSSSLOT|CLUSTERDOWN)\b/,
    "STORE_INVALID",
    "this is a node of a Redis Cluster; give the mesh a server of its own, with replicas where you like",
  ],
  [/^WRONGTYPE\b/, "STORE_INVALID", "something else stands under the names of this prefix; choose another prefix"],
  [/DB index is out of range/, "STORE_INVALID", "the server has no database of this number; choose another"],
  [/Protocol error|Unknown RESP type/, "STORE_INVALID", "what answers there is no Redis server, or wants TLS (rediss://); check the address"],
];

/** `name` is the store's. A connection's error keeps only what the world said: ioredis hangs the command onto it, password and values included. */
export function storeError(name: string, cause: unknown): MeshError {
  if (cause instanceof MeshError) return cause;
  const text = textOf(cause);
  const [, code, advice] = CAUSES.find(([pattern]) => pattern.test(text)) ?? [undefined, "STORE_UNAVAILABLE" as const, "check that the server runs there"];
  return new MeshError(code, `${name}: ${advice} (${text})`, { cause: withoutCommand(cause, text) });
}

/** Node's error for several refused addresses has an empty message and the reasons inside. */
function textOf(cause: unknown): string {
  if (cause instanceof AggregateError && cause.message === "") return cause.errors.map((error) => textOf(error)).join(", ");
  return cause instanceof Error ? cause.message : String(cause);
}

function withoutCommand(cause: unknown, text: string): Error {
  const plain = new Error(text);
  if (!(cause instanceof Error)) return plain;
  const { code } = cause as { code?: unknown };
  return Object.assign(plain, { name: cause.name, stack: cause.stack }, code === undefined ? {} : { code });
}
