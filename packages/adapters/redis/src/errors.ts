// What Redis and the network say, as the mesh's errors.

import { storeError, textOf, type ErrorRule } from "@causalmesh/adapter-kit";
import { MeshError } from "@causalmesh/core";

const RULES: readonly ErrorRule[] = [
  [/^OOM |No space left/, "STORE_FULL", "the server's memory (maxmemory) or disk is full; make room, a running node then goes on by itself"],
  [/^(READONLY|MASTERDOWN)\b/, "STORE_UNAVAILABLE", "this server is a replica and takes no writes; give the address of the primary"],
  [/^LOADING\b/, "STORE_UNAVAILABLE", "the server is still reading what it kept"],
  [/^(MISCONF|BUSY|NOREPLICAS|TRYAGAIN|UNBLOCKED)\b|max number of clients/, "STORE_UNAVAILABLE", "the server takes no calls at the moment; see its log"],
  [/^(NOAUTH|WRONGPASS)\b|invalid (username-)?password|AUTH .*called without/, "STORE_LOCKED", "the server wants another user or password; check both"],
  [/^NOPERM\b/, "STORE_LOCKED", "this user may not do that; see the rights in the README of @causalmesh/adapter-redis"],
  [/^(MOVED|ASK|CROSSSLOT|CLUSTERDOWN)\b/, "STORE_INVALID", "this is a node of a Redis Cluster; give the mesh a server of its own"],
  [/^WRONGTYPE\b/, "STORE_INVALID", "something else stands under the names of this prefix; choose another prefix"],
  [/DB index is out of range/, "STORE_INVALID", "the server has no database of this number; choose another"],
  [/Protocol error|Unknown RESP type/, "STORE_INVALID", "what answers there is no Redis server, or wants TLS (rediss://); check the address"],
];

/** `name` is the store's. A connection's error keeps only what the world said: ioredis hangs the command onto it, password and values included. */
export function redisError(name: string, cause: unknown): MeshError {
  if (cause instanceof MeshError) return cause;
  const { name: kind, stack, code } = (cause ?? {}) as Partial<NodeJS.ErrnoException>;
  const plain = Object.assign(new Error(textOf(cause)), { name: kind ?? "Error", stack }, code === undefined ? {} : { code });
  return storeError(name, plain, RULES, "check that the server runs there");
}
