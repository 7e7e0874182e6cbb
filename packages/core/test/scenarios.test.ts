// Every message of the changes that matter, as text that a person can follow. After a change of the protocol look at what is different and
// explain each line; `npx vitest run scenarios -u` writes the traces anew.

import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { playScenario } from "./support/scenario.js";

const FOLDER = new URL("./scenarios/", import.meta.url);
/** Above it the commands, below it the trace. */
const RULER = "----";

describe("a scenario", () => {
  it.each(readdirSync(FOLDER))("%s goes as it is written down", async (name) => {
    const file = new URL(name, FOLDER);
    const [head] = readFileSync(file, "utf8").split(`\n${RULER}\n`);
    const commands = head.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
    await expect(`${head.trimEnd()}\n\n${RULER}\n${await playScenario(commands)}\n`).toMatchFileSnapshot(file.pathname);
  });
});
