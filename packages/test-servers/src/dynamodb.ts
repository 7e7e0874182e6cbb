// A DynamoDB for tests and benches: the server that DYNAMODB_ENDPOINT names, or dynalite, an emulator in JavaScript, as a process of its own
// with its data in a temporary folder.

import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { GuardedServer } from "./guarded.js";
import { freePort } from "./machine.js";

const ADDRESS_VARIABLE = "DYNAMODB_ENDPOINT";
const PROGRAM = fileURLToPath(new URL("./dynamodb-main.js", import.meta.url));

export interface StartDynamodbOptions {
  /** A server of one's own, whatever the environment names: an empty one, and no other's figures. */
  readonly own?: boolean;
  /** TransactWriteItems, which dynalite lacks, emulated before it; see transactions.ts. It needs a server of one's own. */
  readonly transactions?: boolean;
}

export interface DynamodbServer {
  readonly endpoint: string;
  readonly region: string;
  /** What a client needs beside them; an emulator takes any. */
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** The same for a program that finds them in its environment. */
  readonly env: Readonly<Record<string, string>>;
  /** `dynamodb://TABLE?…` with the address, for those who have the credentials in their environment. */
  url(table: string): string;
  /** Ends the server and removes its folder. A server that the environment named goes on. */
  stop(): Promise<void>;
}

export interface DynamodbOrder {
  readonly port: number;
  readonly path: string;
  readonly transactions: boolean;
}

export async function startDynamodb({ own = false, transactions = false }: StartDynamodbOptions = {}): Promise<DynamodbServer> {
  const given = process.env[ADDRESS_VARIABLE];
  if (given !== undefined && given !== "" && !own && !transactions) return { ...access(given), stop: async () => undefined };
  const folder = mkdtempSync(join(tmpdir(), "causalmesh-dynamodb-"));
  const order: DynamodbOrder = { port: await freePort(), path: join(folder, "data"), transactions };
  const args = [PROGRAM, JSON.stringify(order)];
  const server = await GuardedServer.start({ command: process.execPath, args, folder, log: join(folder, "log") }, async () => {
    const socket = connect(order.port, "127.0.0.1");
    await once(socket, "connect").finally(() => socket.destroy());
  });
  return {
    ...access(`http://127.0.0.1:${order.port}`),
    stop: async () => {
      await server.end("SIGKILL");
      rmSync(folder, { recursive: true, force: true, maxRetries: 20 });
    },
  };
}

function access(endpoint: string): Omit<DynamodbServer, "stop"> {
  const { AWS_REGION = "eu-central-1", AWS_ACCESS_KEY_ID = "test", AWS_SECRET_ACCESS_KEY = "test" } = process.env;
  return {
    endpoint,
    region: AWS_REGION,
    credentials: { accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey: AWS_SECRET_ACCESS_KEY },
    // What the SDK says about Node.js 20 is in the README; a run of many processes need not repeat it.
    env: { AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true" },
    url: (table) => `dynamodb://${table}?${new URLSearchParams({ endpoint, region: AWS_REGION })}`,
  };
}
