// Strangers at the admin port: who is slow is cut off, and others are answered meanwhile.

import { once } from "node:events";
import { connect as dial } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { startAdmin } from "../src/admin.js";
import { runningNodes } from "./mesh.js";

it("cuts off who does not finish a request, and answers others meanwhile", async () => {
  const [node] = await runningNodes(1);
  const admin = await startAdmin({ address: { host: "127.0.0.1", port: 0 }, node, isStopping: () => false });
  onTestFinished(() => admin.close());
  const slow = dial(Number(new URL(admin.url).port), "127.0.0.1").on("error", () => undefined);
  onTestFinished(() => void slow.destroy());
  let answer = "";
  slow.setEncoding("utf8").on("data", (text: string) => (answer += text));
  const cut = once(slow, "close");
  slow.write("GET /livez HTTP/1.1\r\nhost: localhost\r\nx-slow:");
  expect((await fetch(`${admin.url}/livez`)).status).toBe(200);
  await cut;
  expect(answer).toMatch(/^HTTP\/1\.1 408 /);
  expect((await fetch(`${admin.url}/readyz`)).status).toBe(200);
}, 30_000);
