// The commands that judge histories, their flags and their help.

import type { Command } from "commander";
import type { Leaf } from "./program.js";

export function addHistory(parent: Command, leaf: Leaf): void {
  const check = leaf(parent, "check <file>");
  check.command
    .description("Judges a recorded history: read committed, read atomic, causal (with convergence), and the session guarantees; - reads standard input.")
    .option("--pictures <folder>", "leave a picture (SVG) of each counterexample there")
    .addHelpText(
      "after",
      `
The file has one JSON object per line: {"session":"s1","ops":[["r","cart",7],["w","order",8]]}; docs/history.md has the format. Asks no node. Says which
criteria hold, and for each that does not, what the anomaly is called and the fewest operations that show it. Exit code 0 when all hold, 1 when one does
not, 2 when the file is no history. Prints with --json: {"ok":…,"holds":{"causal":…,…},"counterexamples":[{"anomaly":…,"breaks":[…],"scenes":[…],"reasons":[…]}],…}.

Examples:
  causalmesh history check run.jsonl
  causalmesh history check run.jsonl --pictures ./pictures
  zcat run.jsonl.gz | causalmesh history check - --json`,
    );
  check.run(async ([file], flags, terminal) => (await import("./commands/history.js")).historyCheck(file, flags, terminal));

  const exporting = leaf(parent, "export <file>");
  exporting.command
    .description("Prints a recorded history in the format of another checker; - reads standard input.")
    .requiredOption("--format <format>", "plume (for Plume and AWDIT) or elle (EDN, for Elle and elle-cli)")
    .addHelpText(
      "after",
      `
Keys and values become integers. An initial transaction writes every key, and each session reads from it first; docs/history.md says what else is changed,
and how to run those tools.

Examples:
  causalmesh history export run.jsonl --format plume > run.txt
  causalmesh history export run.jsonl --format elle > run.edn`,
    );
  exporting.run(async ([file], flags, terminal) => (await import("./commands/history.js")).historyExport(file, flags, terminal));
}
