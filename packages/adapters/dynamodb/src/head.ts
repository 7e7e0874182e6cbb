// The head of a prefix: one item that changes with every batch and every view, only by compare-and-swap on its version. So one condition on it orders them all: no
// batch begins under an epoch that is over, and no epoch ends before the batches that have begun under it are done (journal.ts).
//
// It is small whatever the age of the mesh, since it is written with each batch: the view's bytes, and the counters as they were when that began, stand
// apart under the name `view`.

import { GetItemCommand, PutItemCommand, TransactGetItemsCommand, type Put } from "@aws-sdk/client-dynamodb";
import { otherFormat, withRetries } from "@causalmesh/adapter-kit";
import { fencedError, type FlushedCounters } from "@causalmesh/core";
import { isConditionFailed } from "./errors.js";
import { decodeCounters, encodeCounters, FORMAT, metaKey, number } from "./schema.js";
import type { Table } from "./table.js";

/** Its fields, without its key. `applies` are the names of those under way. */
export interface Head {
  /** 0 where there is none yet. */
  readonly version: number;
  readonly epoch: number;
  readonly view: string | undefined;
  readonly applies: readonly string[];
  readonly flushed: FlushedCounters;
}

/**
 * Throws STORE_INVALID for one of another format. By a transaction of one item where the server has those: a plain read gives the head as it was before a batch that is being committed, whose rows may be
 * seen already; this one waits for it.
 */
export async function readHead({ send, name, TableName, prefix, transacts }: Table): Promise<Head> {
  const Get = { TableName, Key: metaKey(prefix, "head") };
  const item = transacts
    ? (await send(new TransactGetItemsCommand({ TransactItems: [{ Get }] }))).Responses?.[0]?.Item
    : (await send(new GetItemCommand({ ...Get, ConsistentRead: true }))).Item;
  const { format, version, epoch, view, applies, flushed } = item ?? {};
  if (item !== undefined && format?.N !== String(FORMAT)) throw otherFormat(name, format?.N, FORMAT);
  return { version: Number(version?.N ?? 0), epoch: Number(epoch?.N ?? 0), view: view?.S, applies: applies?.SS ?? [], flushed: decodeCounters(flushed) };
}

/** Writes what follows `before`, if that is still there. */
export function putHead({ TableName, prefix }: Table, before: Head, { epoch, view, applies, flushed }: Head): Put {
  return {
    TableName,
    Item: {
      ...metaKey(prefix, "head"),
      format: number(FORMAT),
      version: number(before.version + 1),
      epoch: number(epoch),
      flushed: encodeCounters(flushed),
      ...(view === undefined ? {} : { view: { S: view } }),
      ...(applies.length === 0 ? {} : { applies: { SS: [...applies] } }),
    },
    ConditionExpression: before.version === 0 ? "attribute_not_exists(pk)" : "version = :version",
    ...(before.version === 0 ? {} : { ExpressionAttributeValues: { ":version": number(before.version) } }),
  };
}

/**
 * Compares and swaps until it succeeds; `swap` writes the head, by itself or together with what belongs to it, and throws ConditionalCheckFailed where that
 * has changed. An edit may happen twice, when an answer is lost, and has to change nothing then.
 */
export async function changeHead(
  table: Table,
  edit: (head: Head) => Head,
  swap: (put: Put) => Promise<unknown> = (put) => table.send(new PutItemCommand(put)),
): Promise<void> {
  await withRetries(async () => {
    const before = table.head ?? (await readHead(table));
    const next = edit(before);
    table.head = undefined;
    await swap(putHead(table, before, next));
    table.head = { ...next, version: before.version + 1 };
  }, isConditionFailed);
}

/** The head under which a batch of this epoch may be written. Throws NODE_BEHIND. */
export function fenced({ name }: Table, head: Head, epoch = head.epoch): Head {
  if (epoch < head.epoch) throw fencedError(name, head.epoch);
  return head;
}
