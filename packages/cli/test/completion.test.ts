// Completion, by the program itself, and in the shells that are on this machine.

import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "./folder.js";

const MAIN = fileURLToPath(new URL("../dist/main.js", import.meta.url));
const program = (...args: string[]): string => execFileSync(process.execPath, [MAIN, ...args], { encoding: "utf8" });
/** What the program offers in place of the last word. */
const offered = (...words: string[]): string[] =>
  program("complete", "--", ...words)
    .split("\n")
    .filter((line) => line.includes("\t"))
    .map((line) => line.split("\t")[0]);

describe("completion", () => {
  it("offers commands, and no hidden ones", () => {
    expect(offered("")).toEqual(["dev", "node", "cluster", "kv", "session", "history", "monitor", "doctor", "config", "completion"]);
    expect(offered("cluster", "")).toEqual(["status", "add", "drain", "remove"]);
    expect(offered("clu")).toEqual(["cluster"]);
    expect(offered("completion", "")).toEqual(["bash", "zsh", "fish"]);
  });

  it("offers a command's flags and those of every command, and the values that it knows", () => {
    expect(offered("cluster", "drain", "--")).toEqual(expect.arrayContaining(["--wait", "--force", "--url", "--json"]));
    expect(offered("kv", "set", "k", "v", "--dura")).toEqual(["--durability"]);
    expect(offered("kv", "set", "k", "v", "--durability", "")).toEqual(["memory", "replicated", "everywhere", "stored"]);
    expect(offered("node", "start", "--su")).toEqual([]);
  });

  it("is not there for other shells", () => {
    const { status, stderr } = spawnSync(process.execPath, [MAIN, "completion", "tcsh"], { encoding: "utf8" });
    expect(status).toBe(2);
    expect(stderr).toContain("bash, zsh, fish");
  });

  it("works in bash", () => {
    const folder = temporaryFolder();
    const bin = join(folder, "causalmesh");
    writeFileSync(bin, `#!/bin/sh\nexec "${process.execPath}" "${MAIN}" "$@"\n`);
    chmodSync(bin, 0o755);
    // What the script takes from the package bash-completion, which is not on every machine, in its simplest form.
    const script = `
      _get_comp_words_by_ref() { words=("\${COMP_WORDS[@]}"); cword=$COMP_CWORD; cur=\${words[cword]}; prev=\${words[cword-1]}; }
      compopt() { :; }
      source <(causalmesh completion bash)
      COMP_WORDS=(causalmesh cluster dr); COMP_CWORD=2; COMP_LINE="causalmesh cluster dr"; COMP_POINT=21
      $(complete -p causalmesh | sed -E 's/.*-F ([^ ]+).*/\\1/') causalmesh dr cluster
      printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout, stderr } = spawnSync("bash", ["--norc", "-c", script], {
      encoding: "utf8",
      env: { ...process.env, PATH: `${folder}:${process.env.PATH}` },
    });
    expect(stdout.trim(), stderr).toMatch(/^drain/);
  });

  it.each(["zsh", "fish"])("prints a script for %s that asks the program", (shell) => {
    expect(program("completion", shell)).toMatch(/causalmesh complete --/);
  });
});
