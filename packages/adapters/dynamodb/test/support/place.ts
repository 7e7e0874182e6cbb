// A place in a table for each test of a file, a way there on which things go wrong, and a look past the store.

import { DynamoDBClient, GetItemCommand, ScanCommand, type AttributeValue, type ScanCommandOutput } from "@aws-sdk/client-dynamodb";
import type { MeshError, Row, Store } from "@causalmesh/core";
import { startDynamodb, type DynamodbServer } from "@causalmesh/test-servers";
import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import { dynamodbStore, type DynamodbStoreOptions } from "../../src/index.js";
import { faultyWay, type FaultyWay, type Seen } from "./faulty.js";

export const SECRET = "correct-horse-battery";
let tables = 0;

export class Place {
  readonly table = `causalmesh-${process.pid}-${++tables}`;
  server!: DynamodbServer;
  way!: FaultyWay;
  client!: DynamoDBClient;
  prefix = "";
  readonly #opened: { close(): Promise<void> }[] = [];
  #prefixes = 0;

  /** For one file or block of tests. Without transactions a server that has them is kept from them. */
  static use({ transactions = false }: { transactions?: boolean } = {}): Place {
    const place = new Place();
    beforeAll(async () => {
      place.server = await startDynamodb({ transactions });
      const { endpoint, region, credentials } = place.server;
      place.client = new DynamoDBClient({ endpoint, region, credentials });
    });
    beforeEach(async () => {
      place.way = await faultyWay(place.server.endpoint);
      if (!transactions) for (const operation of ["TransactGetItems", "TransactWriteItems"]) place.way.unknown.add(operation);
      place.prefix = `p${place.#prefixes++}`;
    });
    afterEach(async () => {
      for (const store of place.#opened.splice(0)) await store.close();
      await place.way.stop();
    });
    afterAll(async () => {
      place.client.destroy();
      await place.server.stop();
    });
    return place;
  }

  open(options: Partial<DynamodbStoreOptions> = {}): Store {
    const { region, credentials } = this.server;
    const connection = { credentials: { ...credentials, secretAccessKey: SECRET } };
    const store = dynamodbStore({ table: this.table, region, endpoint: this.way.endpoint, connection, prefix: this.prefix, ...options });
    this.#opened.push(store);
    return store;
  }

  /** A store that sends nothing twice. */
  openHasty(): Store {
    return this.open({ connection: { credentials: this.server.credentials, maxAttempts: 1 } });
  }

  /** The sort keys of the rows that were sent by themselves, in the order in which they came. */
  puts(): string[] {
    return this.way.seen.filter((seen) => isRowPut(seen)).map(({ body }) => (body.Item as Key).sk.S);
  }

  /** What was sent, by the names of the operations, without the deletion of what was struck out. */
  operations(): string[] {
    return this.way.seen.map(({ operation }) => operation).filter((operation) => operation !== "DeleteItem");
  }

  async items(): Promise<Record<string, AttributeValue>[]> {
    const found: Record<string, AttributeValue>[] = [];
    let ExclusiveStartKey: ScanCommandOutput["LastEvaluatedKey"];
    do {
      const page = await this.client.send(new ScanCommand({ TableName: this.table, ConsistentRead: true, ExclusiveStartKey }));
      found.push(...page.Items!.filter(({ pk }) => pk.S!.startsWith(`${this.prefix}#`)));
      ExclusiveStartKey = page.LastEvaluatedKey;
    } while (ExclusiveStartKey !== undefined);
    return found;
  }

  /** Items of applies that were written down. */
  async journalItems(): Promise<number> {
    return (await this.items()).filter(({ pk }) => pk.S!.includes("#journal#")).length;
  }

  get headKey(): Record<string, AttributeValue> {
    return { pk: { S: `${this.prefix}#meta` }, sk: { S: "head" } };
  }

  /** Applies that are named as under way. */
  async underWay(): Promise<number> {
    const { Item } = await this.client.send(new GetItemCommand({ TableName: this.table, Key: this.headKey, ConsistentRead: true }));
    return Item?.applies?.SS?.length ?? 0;
  }

  /** The row of a key, in whatever partition. */
  async rowItem(key: string): Promise<Record<string, AttributeValue> | undefined> {
    return (await this.items()).find(({ pk, sk }) => /#\d+$/.test(pk.S!) && sk.S === key);
  }
}

interface Key {
  readonly pk: { readonly S: string };
  readonly sk: { readonly S: string };
}

/** Whether it puts the row of this key, or of any. */
export function isRowPut({ operation, body }: Seen, key?: string): boolean {
  if (operation !== "PutItem") return false;
  const { pk, sk } = body.Item as Key;
  return /#\d+$/.test(pk.S) && (key === undefined || sk.S === key);
}

/** Whether it changes the head: with an apply under way in it ("begins"), or with none. */
export function isHeadPut({ operation, body }: Seen, how: "begins" | "ends"): boolean {
  if (operation !== "PutItem") return false;
  const { pk, sk, applies } = body.Item as Key & { applies?: object };
  return pk.S.endsWith("#meta") && sk.S === "head" && (applies !== undefined) === (how === "begins");
}

export const row = (key: string, fields: Partial<Row> = {}): Row => ({
  key,
  value: Buffer.from("value"),
  timestamp: 1,
  replica: 1,
  counter: 1,
  expiresAt: 0,
  ...fields,
});

/** So many rows of a write each. */
export function rowsOf(count: number, fields: Partial<Row> = {}): Row[] {
  return Array.from({ length: count }, (_, index) => row(`k${index}`, { counter: index + 1, ...fields }));
}

export async function refusal(call: Promise<unknown>): Promise<MeshError> {
  return await call.then(
    () => {
      throw new Error("nothing was refused");
    },
    (error: unknown) => error as MeshError,
  );
}
