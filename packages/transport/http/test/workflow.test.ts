// A workflow written with curl alone: three functions, each at another node, which hand on nothing but the session header. The links between
// the nodes are slow, so that without the header it must fail.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { served, apiKeys, KEYS } from "./support/front.js";
import { slowMesh } from "./support/slow-mesh.js";

const run = promisify(execFile);
/** Time for a write to go from node to node. */
const LINK_MS = 400;

interface Curled {
  readonly status: number;
  readonly session: string;
  readonly body: string;
}

async function curl(args: readonly string[], session: string | undefined): Promise<Curled> {
  const header = session === undefined ? [] : ["-H", `causalmesh-session: ${session}`];
  const { stdout } = await run("curl", ["--silent", "--show-error", "--include", "-H", `authorization: Bearer ${KEYS.writer}`, ...header, ...args]);
  const [head, ...body] = stdout.split("\r\n\r\n");
  return { status: Number(/^HTTP\/1.1 (\d+)/.exec(head)![1]), session: /^causalmesh-session: (.*)$/m.exec(head)![1].trim(), body: body.join("\r\n\r\n") };
}

/** A film review: posted at one node, answered at the next, read at the third. `carry` says what goes from function to function. */
async function workflow(urls: readonly string[], round: number, carry: (session: string) => string | undefined): Promise<string[]> {
  const at = (node: number, path: string): string => `${urls[(node + round) % 3]}/v1/blue/${path}`;
  const seen: string[] = [];

  // The first function writes a review, and reads it at once.
  const review = await curl(["--json", `{"stars":${round}}`, "-X", "PUT", at(0, `review/${round}?durability=memory`)], undefined);
  const own = await curl([at(0, `review/${round}`)], carry(review.session));
  seen.push(own.body);

  // The second reads it elsewhere, and answers it. Reading again is never older.
  const read = await curl([at(1, `review/${round}`)], carry(own.session));
  seen.push(read.status === 200 ? read.body : String(read.status));
  const reply = await curl(["--json", `{"reply":${round}}`, "-X", "PUT", at(1, `reply/${round}?durability=memory`)], carry(read.session));

  // The third reads both, from one cut.
  const both = await curl(["--json", JSON.stringify({ keys: [`reply/${round}`, `review/${round}`] }), at(2, "read")], carry(reply.session));
  for (const { hit, value } of (JSON.parse(both.body) as { entries: { hit: boolean; value?: unknown }[] }).entries)
    seen.push(hit ? JSON.stringify(value) : "miss");
  return seen;
}

describe("a workflow of curl", () => {
  it("sees what it has done at each node, while the header goes along", async () => {
    const { mesh } = await slowMesh(LINK_MS);
    const servers = await Promise.all(["n1", "n2", "n3"].map((node) => served(mesh, { node, apiKeys })));
    const urls = servers.map(({ url }) => url);
    for (let round = 0; round < 6; round++) {
      const [review, reply] = [`{"stars":${round}}`, `{"reply":${round}}`];
      expect(await workflow(urls, round, (session) => session)).toEqual([review, review, reply, review]);
    }
  });

  it("loses it where the header is dropped", async () => {
    const { mesh } = await slowMesh(LINK_MS);
    const servers = await Promise.all(["n1", "n2", "n3"].map((node) => served(mesh, { node, apiKeys })));
    const urls = servers.map(({ url }) => url);
    const seen = (await Promise.all([0, 1, 2].map((round) => workflow(urls, round, () => undefined)))).flat();
    expect(seen.filter((text) => text === "404" || text === "miss").length).toBeGreaterThan(0);
  });
});
