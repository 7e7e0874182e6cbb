// The registry and the counters: the head and its view, looked at and changed only when what is under way is done.

import { randomUUID } from "node:crypto";
import { DeleteItemCommand, GetItemCommand, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { joined, withRetries } from "@causalmesh/adapter-kit";
import { MeshError, type RegistryRecord, type RegistryState } from "@causalmesh/core";
import { conditionFailed, isConditionFailed } from "./errors.js";
import { putHead, readHead, type Head } from "./head.js";
import { complete } from "./journal.js";
import { decodeBytes, decodeCounters, encodeBytes, encodeCounters, metaKey, type Item } from "./schema.js";
import type { Table } from "./table.js";

const viewKey = (prefix: string, view: string): Item => metaKey(prefix, `view#${view}`);

/** Completes what is under way before it tells the counters: so whatever row anybody has read before counts as flushed. */
export async function readState(table: Table): Promise<RegistryState> {
  const { registry, flushed } = await settled(table);
  return { registry, flushed };
}

export async function swapState(table: Table, expectedEpoch: number, { epoch, bytes }: RegistryRecord): Promise<boolean> {
  const { send, TableName, prefix } = table;
  const view = randomUUID();
  const remove = (name: string | undefined): void => {
    if (name !== undefined) void send(new DeleteItemCommand({ TableName, Key: viewKey(prefix, name) })).catch(() => undefined);
  };
  return await withRetries(async () => {
    const { head, flushed } = await settled(table);
    // The SDK sends a request again whose answer was lost, and the second one finds what the first did.
    if (head.view === view) return true;
    if (head.epoch !== expectedEpoch) {
      remove(view);
      return false;
    }
    if (head.applies.length > 0) throw conditionFailed();
    await send(new PutItemCommand({ TableName, Item: { ...viewKey(prefix, view), bytes: encodeBytes(bytes), flushed: encodeCounters(flushed) } }));
    await send(new PutItemCommand(putHead(table, head, { ...head, epoch, view, flushed: [] })));
    remove(head.view);
    return true;
  }, isConditionFailed);
}

/** The head when that is done which was under way, and what it says. The counters stand in two items: those of the view are as they were when it began. */
async function settled(table: Table): Promise<RegistryState & { head: Head }> {
  const { send, TableName, prefix } = table;
  return await withRetries(async () => {
    let head = await readHead(table);
    if (head.applies.length > 0) {
      await complete(table, head);
      head = await readHead(table);
    }
    const { epoch, view } = head;
    if (view === undefined) return { head, registry: undefined, flushed: head.flushed };
    const { Item: item } = await send(new GetItemCommand({ TableName, Key: viewKey(prefix, view), ConsistentRead: true }));
    // Another one has taken its place.
    if (item === undefined) throw conditionFailed();
    const bytes = decodeBytes(item.bytes);
    if (bytes === undefined) throw new MeshError("STORE_INVALID", "the registry is damaged; restore the store from a copy");
    return { head, registry: { epoch, bytes }, flushed: joined(decodeCounters(item.flushed), head.flushed) };
  }, isConditionFailed);
}
