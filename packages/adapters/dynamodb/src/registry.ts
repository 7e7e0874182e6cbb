// The registry and the counters: the head and its view, looked at and changed only when what is under way is done.

import { randomUUID } from "node:crypto";
import { DeleteItemCommand, GetItemCommand, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { MeshError, type FlushedCounters, type RegistryRecord, type RegistryState } from "@causalmesh/core";
import { isConditionFailed } from "./errors.js";
import { decodeCounters, encodeCounters, joined, putHead, readHead, type Head } from "./head.js";
import { complete } from "./journal.js";
import { ATTEMPTS_MAX, pause } from "./pause.js";
import { decodeBytes, encodeBytes, metaKey, type Item } from "./schema.js";
import type { Table } from "./table.js";

interface View {
  readonly registry: RegistryRecord | undefined;
  /** As they were when it began. */
  readonly flushed: FlushedCounters;
}

/** Completes what is under way before it tells the counters: so whatever row anybody has read before counts as flushed. */
export async function readState(table: Table): Promise<RegistryState> {
  const { registry, flushed } = await repeat(table, async () => {
    let head = await readHead(table);
    if (head.applies.length > 0) {
      await complete(table, head);
      head = await readHead(table);
    }
    const view = await readView(table, head);
    return view && { ...view, flushed: joined(view.flushed, head.flushed) };
  });
  return { registry, flushed };
}

/** undefined where another one has taken its place. */
async function readView({ send, TableName, prefix }: Table, { epoch, view }: Head): Promise<View | undefined> {
  if (view === undefined) return { registry: undefined, flushed: [] };
  const { Item: item } = await send(new GetItemCommand({ TableName, Key: viewKey(prefix, view), ConsistentRead: true }));
  if (item === undefined) return undefined;
  const bytes = decodeBytes(item.bytes);
  if (bytes === undefined) throw new MeshError("STORE_INVALID", "the registry is damaged; restore the store from a copy");
  return { registry: { epoch, bytes }, flushed: decodeCounters(item.flushed) };
}

const viewKey = (prefix: string, view: string): Item => metaKey(prefix, `view#${view}`);

export async function swapState(table: Table, expectedEpoch: number, { epoch, bytes }: RegistryRecord): Promise<boolean> {
  const { send, TableName, prefix } = table;
  const view = randomUUID();
  const remove = (name: string | undefined): void => {
    if (name !== undefined) void send(new DeleteItemCommand({ TableName, Key: viewKey(prefix, name) })).catch(() => undefined);
  };
  return await repeat(table, async () => {
    const head = await readHead(table);
    // The SDK sends a request again whose answer was lost, and the second one finds what the first did.
    if (head.view === view) return true;
    if (head.epoch !== expectedEpoch) {
      remove(view);
      return false;
    }
    if (head.applies.length > 0) await complete(table, head);
    const before = head.applies.length > 0 ? undefined : await readView(table, head);
    if (before === undefined) return undefined;
    const flushed = encodeCounters(joined(before.flushed, head.flushed));
    await send(new PutItemCommand({ TableName, Item: { ...viewKey(prefix, view), bytes: encodeBytes(bytes), flushed } }));
    try {
      await send(new PutItemCommand(putHead(table, head, { ...head, epoch, view, flushed: [] })));
    } catch (error) {
      if (isConditionFailed(error)) return undefined;
      throw error;
    }
    remove(head.view);
    return true;
  });
}

/** Until it is something. */
async function repeat<Result>({ name }: Table, work: () => Promise<Result | undefined>): Promise<Result> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const result = await work();
    if (result !== undefined) return result;
    await pause(attempt);
  }
  throw new MeshError("STORE_UNAVAILABLE", `${name} is written to all the time, or damaged; end the nodes of the mesh that is to be followed`);
}
