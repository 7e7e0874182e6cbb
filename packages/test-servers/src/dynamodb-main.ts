// dynalite as a program of its own, with its data in a folder; with "transactions" behind an emulation of what it lacks.
//
//   node dynamodb-main.js '{"port":…,"path":…,"transactions":…}'

import { once } from "node:events";
import type { AddressInfo } from "node:net";
import dynalite from "dynalite";
import type { DynamodbOrder } from "./dynamodb.js";
import { withTransactions } from "./transactions.js";

const { port, path, transactions } = JSON.parse(process.argv[2]) as DynamodbOrder;
// dynalite throws when a client breaks off in the middle of a request; a server goes on.
process.on("uncaughtException", (error: NodeJS.ErrnoException) => {
  if (error.code === "ECONNRESET") return;
  console.error(error);
  process.exit(1);
});

const server = dynalite({ path, createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 });
server.listen(transactions ? 0 : port, "127.0.0.1");
await once(server, "listening");
if (transactions) withTransactions((server.address() as AddressInfo).port).listen(port, "127.0.0.1");
