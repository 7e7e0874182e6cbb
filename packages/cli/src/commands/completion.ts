// `causalmesh completion SHELL`: the script with which a shell completes commands and flags, and the hidden command that the script asks.

import { RootCommand, type Command as Completed } from "@bomb.sh/tab";
import { MeshError } from "@causalmesh/core";
import type { Command } from "commander";
import { EXIT } from "../exit-codes.js";

const SHELLS = ["bash", "zsh", "fish"] as const;
/** Flags whose values are known. */
const VALUES: Readonly<Record<string, readonly string[]>> = { durability: ["memory", "replicated", "everywhere", "stored"] };

export function completion(shell: string, program: Command): number {
  if (!(SHELLS as readonly string[]).includes(shell))
    throw new MeshError("OPTION_INVALID", `there are completions for ${SHELLS.join(", ")}, not for ${JSON.stringify(shell)}`);
  tree(program).setup(program.name(), program.name(), shell);
  return EXIT.ok;
}

/** Prints what may stand in place of the last of these words. */
export function complete(words: readonly string[], program: Command): number {
  tree(program).parse([...words]);
  return EXIT.ok;
}

/** The commands as the library knows them: by their whole name, each with the flags of every command too. */
function tree(program: Command): RootCommand {
  const root = new RootCommand();
  addOptions(root, program);
  const visit = (command: Command, names: readonly string[]): void => {
    for (const child of command.createHelp().visibleCommands(command)) {
      // Commander's own `help` is another way to say --help.
      if (child.name() === "help") continue;
      const path = [...names, child.name()];
      const completed = root.command(path.join(" "), child.description());
      addOptions(completed, child);
      addOptions(completed, program);
      if (child.name() === "completion") completed.argument("shell", (suggest) => SHELLS.forEach((shell) => suggest(shell, "")));
      visit(child, path);
    }
  };
  visit(program, []);
  return root;
}

function addOptions(completed: Completed, command: Command): void {
  for (const { long, short, description, required } of command.createHelp().visibleOptions(command)) {
    const name = long?.slice(2);
    if (name === undefined) continue;
    const values = VALUES[name] ?? [];
    if (required) completed.option(name, description, (suggest) => values.forEach((value) => suggest(value, "")), short?.slice(1));
    else completed.option(name, description, short?.slice(1));
  }
}
