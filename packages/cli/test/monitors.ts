// A monitor in a process of its own, and what tests ask of it.

import { temporaryFolder } from "./folder.js";
import { started } from "./program.js";

/** Resolves when it holds; a test that waits for what never comes ends by its own time limit. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** A monitor that listens; its answers. */
export async function listeningMonitor(...args: string[]) {
  const evidence = temporaryFolder();
  const monitor = await started("monitor", ...args, "--listen", "127.0.0.1:0", "--every", "200ms", "--evidence", evidence);
  const { monitor: url } = monitor as unknown as { monitor: string };
  const metric = async (name: string): Promise<number> => {
    const body = await (await fetch(`${url}/metrics`)).text();
    const samples = body.split("\n").filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`));
    return samples.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
  };
  const post = async (body: string, type = "application/x-ndjson"): Promise<number> =>
    (await fetch(`${url}/lines`, { method: "POST", body, headers: { "content-type": type, connection: "close" } })).status;
  return { ...monitor, url, evidence, metric, post };
}
