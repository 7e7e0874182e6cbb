// Lines on their way to a monitor: in order, each once, and dropped where they cannot be sent.

import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { postLines } from "../src/index.js";

interface Received {
  readonly url: string;
  readonly sessions: string[];
  readonly sizes: number[];
}

/** A server that takes lines, and answers with what `status` says of each request. */
async function receiver(status: () => number = () => 204): Promise<Received> {
  const received: Received = { url: "", sessions: [], sizes: [] };
  const server: Server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (text: string) => (body += text));
    request.on("end", () => {
      expect([request.method, request.url, request.headers["content-type"]]).toEqual(["POST", "/lines", "application/x-ndjson"]);
      received.sizes.push(body.length);
      for (const line of body.trim().split("\n")) received.sessions.push((JSON.parse(line) as { session: string }).session);
      response.writeHead(status()).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return { ...received, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

const line = (session: string) => ({ session, from: [] });

it("sends all of them in their order, in requests that a monitor takes", async () => {
  const { url, sessions, sizes } = await receiver();
  const poster = postLines({ url });
  const names = Array.from({ length: 5_000 }, (_, index) => `${"long name ".repeat(10)}${index}`);
  for (const name of names) poster.report(line(name));
  await poster.close();
  expect(sessions).toEqual(names);
  expect(sizes.length).toBeGreaterThan(1);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(1024 * 1024);
  expect(poster.dropped).toBe(0);
});

it("drops what is not taken, says so, and goes on with what comes then", async () => {
  const answers = [503, 204];
  const { url, sessions } = await receiver(() => answers.shift()!);
  const errors: Error[] = [];
  const poster = postLines({ url, onError: (error) => errors.push(error) });
  poster.report(line("a"));
  while (errors.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
  poster.report(line("b"));
  await poster.close();
  expect(sessions).toEqual(["a", "b"]);
  expect([poster.dropped, errors.map(({ message }) => message)]).toEqual([1, [`the monitor at ${url}/lines answered with 503`]]);
});

it("keeps so many at most, and refuses what is no URL", async () => {
  const { url, sessions } = await receiver();
  const poster = postLines({ url });
  for (let index = 0; index < 20_010; index++) poster.report(line(`s${index}`));
  await poster.close();
  expect([sessions.length, poster.dropped]).toEqual([20_000, 10]);
  expect(() => postLines({ url: "127.0.0.1:7490" })).toThrow(expect.objectContaining({ code: "ADDRESS_INVALID" }));
});
