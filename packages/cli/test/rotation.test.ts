// A secret takes the place of another in nodes that run, step by step as docs/security.md says.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect, secretFile } from "@causalmesh/transport-tcp";
import { expect, it } from "vitest";
import { EXIT, run } from "../src/index.js";
import { temporaryFolder } from "./folder.js";
import { started } from "./program.js";
import { testTerminal } from "./terminal.js";

const [OLD, NEW] = ["the old secret of the tests", "the new secret of the tests"];

it("node start reads its secrets again: a client goes on over its connections, newcomers come with the new one, and the old one is out", async () => {
  const folder = temporaryFolder({ "a.secret": OLD, "b.secret": OLD, "client.secret": OLD });
  const store = `lmdb:${join(folder, "data")}`;
  const node = (name: string): ReturnType<typeof started> =>
    started("node", "start", "--store", store, "--listen", "127.0.0.1:0", "--no-admin", "--secret-file", join(folder, `${name}.secret`));
  const [a, b] = [await node("a"), await node("b")];
  const secret = secretFile(join(folder, "client.secret"));
  const mesh = await connect({ nodes: [...a.nodes, ...b.nodes], secret, retryWrites: false });
  const session = mesh.session(undefined, { node: a.nodes[0] });
  let writes = 0;
  const goesOn = async (): Promise<void> => {
    await session.set("k", ++writes);
    expect(await session.get("k")).toBe(writes);
  };
  const token = await session.token();
  for (const [step, secrets] of [[OLD, NEW], [NEW, OLD], [NEW]].entries()) {
    for (const name of ["a", "b", "client"]) {
      writeFileSync(join(folder, `${name}.secret`), `${secrets.join("\n")}\n`);
      await goesOn();
    }
    for (const { log } of [a, b]) await expect.poll(() => log().split("the secrets were read again").length - 1, { timeout: 20_000 }).toBe(step + 1);
    await expect.poll(secret, { timeout: 20_000 }).toEqual(secrets);
    await goesOn();
  }
  const tryWith = async (text: string, ...args: string[]): Promise<[number, string]> => {
    const terminal = testTerminal({ cwd: folder, env: { CAUSALMESH_SECRET: text } });
    return [await run([...args, "--url", b.nodes[0]], terminal), terminal.err()];
  };
  expect((await tryWith(NEW, "kv", "get", "k"))[0]).toBe(EXIT.ok);
  expect(await tryWith(OLD, "kv", "get", "k")).toEqual([EXIT.failed, expect.stringContaining("[UNAUTHENTICATED]")]);
  expect(await tryWith(NEW, "kv", "get", "k", "--session", token)).toEqual([EXIT.failed, expect.stringContaining("[TOKEN_KEY_UNKNOWN]")]);
  expect((await tryWith(NEW, "kv", "get", "k", "--session", await session.token()))[0]).toBe(EXIT.ok);
  await mesh.close();
}, 60_000);
