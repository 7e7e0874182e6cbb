// A way to DynamoDB on which things go wrong: a proxy before the real server that watches each request, and answers, loses or holds some.

import { once } from "node:events";
import { createServer, request as send, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface Seen {
  /** PutItem, Query … */
  readonly operation: string;
  readonly body: Record<string, unknown>;
}

/** What becomes of a request: nothing special, an error of DynamoDB's, an answer, no answer at all, or an answer that gets lost. */
export type Fault = undefined | { readonly error: string; readonly fields?: object } | { readonly answer: unknown } | "hang" | "drop" | "lose";

export interface FaultyWay {
  readonly endpoint: string;
  /** Everything that came, in the order in which it came. */
  readonly seen: Seen[];
  /** The most requests that were under way at once since it was last set to 0. */
  widest: number;
  /** Operations that this server does not know. */
  readonly unknown: Set<string>;
  /** Decides about each request. */
  fault(seen: Seen): Fault;
  stop(): Promise<void>;
}

export async function faultyWay(target: string): Promise<FaultyWay> {
  const { hostname, port } = new URL(target);
  let underWay = 0;
  const server = createServer((incoming, outgoing) => void handle(incoming, outgoing));
  const way: FaultyWay = {
    get endpoint() {
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    },
    seen: [],
    widest: 0,
    unknown: new Set(),
    fault: () => undefined,
    stop: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return way;

  async function handle(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const bytes = Buffer.concat(chunks);
    const seen = { operation: String(incoming.headers["x-amz-target"]).replace(/^.*\./, ""), body: JSON.parse(bytes.toString()) as Record<string, unknown> };
    way.seen.push(seen);
    way.widest = Math.max(way.widest, ++underWay);
    outgoing.once("close", () => underWay--);
    const fault = way.unknown.has(seen.operation) ? { error: "UnknownOperationException" } : way.fault(seen);
    if (fault === "hang") return;
    if (fault === "drop") return void outgoing.destroy();
    if (typeof fault === "object") {
      const [status, body] =
        "error" in fault ? [400, { __type: `com.amazonaws.dynamodb.v20120810#${fault.error}`, message: "injected", ...fault.fields }] : [200, fault.answer];
      outgoing.writeHead(status, { "content-type": "application/x-amz-json-1.0" });
      return void outgoing.end(JSON.stringify(body));
    }
    const forwarded = send({ hostname, port, method: "POST", path: incoming.url, headers: incoming.headers }, (answer) => {
      if (fault === "lose") return void answer.resume().on("end", () => outgoing.destroy());
      outgoing.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(outgoing);
    });
    forwarded.on("error", () => outgoing.destroy());
    forwarded.end(bytes);
  }
}
