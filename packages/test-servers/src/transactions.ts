// TransactWriteItems and TransactGetItems before a dynalite, which lacks them: this is an emulation, not DynamoDB. Its conditions are dynalite's own; while a
// transaction is looked at and written, item after item, no other write and no transaction is let through, so that it is whole or not at all for
// those. Other reads may see a part of it, as DynamoDB's may while it commits. What it has not: conflicts (whoever comes second waits), throttling, and
// transactions that outlive a crash of the server.

import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { checkConditional } from "dynalite/db/index.js";
import { validateExpressions } from "dynalite/validations/index.js";

type Fields = Record<string, unknown>;

/** Of what a transaction may do, that which our adapter asks for. */
interface Change {
  readonly Put: Fields;
}

interface Look {
  readonly Get: Fields;
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

const WRITES = new Set(["PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem"]);
const TYPE = { "content-type": "application/x-amz-json-1.0" };
const PREFIX = "com.amazonaws.dynamodb.v20120810#";

/** A server with transactions before the one on this port of the loopback interface. */
export function withTransactions(port: number): Server {
  let last: Promise<unknown> = Promise.resolve();
  const done = new Set<string>();
  const exclusively = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    const before = last;
    const result = before.then(work);
    last = result.catch(() => undefined);
    return await result;
  };
  return createServer((incoming, outgoing) => void handle(incoming, outgoing).catch(() => outgoing.destroy()));

  async function handle(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    const operation = String(incoming.headers["x-amz-target"]).replace(/^.*\./, "");
    const send = async (name: string, fields: string | Fields): Promise<Answer> => await forward(incoming, name, fields);
    const pass = async (): Promise<Answer> => await send(operation, body);
    let answer: Answer;
    if (operation === "TransactWriteItems") answer = await exclusively(() => transact(JSON.parse(body) as Fields, send));
    else if (operation === "TransactGetItems") answer = await exclusively(() => look(JSON.parse(body) as Fields, send));
    else answer = WRITES.has(operation) ? await exclusively(pass) : await pass();
    outgoing.writeHead(answer.status, TYPE).end(answer.body);
  }

  async function transact({ TransactItems, ClientRequestToken }: Fields, send: (name: string, fields: Fields) => Promise<Answer>): Promise<Answer> {
    const token = String(ClientRequestToken);
    if (done.has(token)) return { status: 200, body: "{}" };
    const changes = TransactItems as Change[];
    if (changes.length === 0 || changes.length > 100) return refusal("ValidationException", { message: `${changes.length} items in a transaction` });
    const reasons = await Promise.all(changes.map((change) => reasonAgainst(change, send)));
    if (reasons.some(({ Code }) => Code !== "None")) {
      const message = `Transaction cancelled, please refer cancellation reasons for specific reasons [${reasons.map(({ Code }) => Code).join(", ")}]`;
      return refusal("TransactionCanceledException", { message, CancellationReasons: reasons });
    }
    for (const { Put } of changes) {
      const answer = await send("PutItem", Put);
      if (answer.status !== 200) return answer;
    }
    done.add(token);
    return { status: 200, body: "{}" };
  }

  async function look({ TransactItems }: Fields, send: (name: string, fields: Fields) => Promise<Answer>): Promise<Answer> {
    const answers = await Promise.all((TransactItems as Look[]).map(({ Get }) => send("GetItem", { ...Get, ConsistentRead: true })));
    const failed = answers.find(({ status }) => status !== 200);
    return failed ?? { status: 200, body: JSON.stringify({ Responses: answers.map(({ body }) => JSON.parse(body) as object) }) };
  }

  async function reasonAgainst({ Put }: Change, send: (name: string, fields: Fields) => Promise<Answer>): Promise<{ Code: string }> {
    const { TableName, Item, ...condition } = Put;
    const { pk, sk } = Item as Fields;
    const { body } = await send("GetItem", { TableName, Key: { pk, sk }, ConsistentRead: true });
    if (validateExpressions(condition)) return { Code: "ValidationError" };
    return { Code: checkConditional(condition, (JSON.parse(body) as { Item?: object }).Item) ? "ConditionalCheckFailed" : "None" };
  }

  async function forward({ headers, url }: IncomingMessage, operation: string, fields: string | Fields): Promise<Answer> {
    const body = typeof fields === "string" ? fields : JSON.stringify(fields);
    const target = String(headers["x-amz-target"]).replace(/\.\w*$/, `.${operation}`);
    return await new Promise((resolve, reject) => {
      const head = { ...headers, "x-amz-target": target, "content-length": Buffer.byteLength(body) };
      const forwarded = request({ host: "127.0.0.1", port, method: "POST", path: url, headers: head }, (answer) => {
        const chunks: Buffer[] = [];
        answer
          .on("data", (chunk: Buffer) => chunks.push(chunk))
          .on("error", reject)
          .on("end", () => resolve({ status: answer.statusCode!, body: Buffer.concat(chunks).toString() }));
      });
      forwarded.on("error", reject).end(body);
    });
  }
}

function refusal(name: string, fields: Fields): Answer {
  return { status: 400, body: JSON.stringify({ __type: PREFIX + name, ...fields }) };
}
