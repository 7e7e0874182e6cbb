// The commands that judge histories, recorded ones and those that go on, their flags and their help.

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

export function addMonitor({ command, run }: ReturnType<Leaf>): void {
  command
    .argument("[files...]", "files to follow, which programs write lines to; - reads standard input")
    .description("Judges what programs observe of their sessions, as it comes: says which guarantee was broken, and keeps what shows it.")
    .option("--listen <address>", "address of /lines (POST) and /metrics; port 0 takes any free one (default: 127.0.0.1:7490)")
    .option("--evidence <folder>", "folder for what shows the last 20 violations (default: ./causalmesh-evidence)")
    .option("--window <operations>", "operations that are kept and judged together (default: 20000)")
    .option("--every <time>", "judge at least this often (default: 10s)")
    .option("--nothing-vanishes", "no key of the mesh is ever deleted, expires or comes from a loader: judge reads that find nothing too")
    .option("--insecure-no-authentication", "allow listening beyond this machine: anybody who reaches it may send lines")
    .addHelpText(
      "after",
      `
The lines are those of observed(mesh) of @causalmesh/monitor, with keys hashed and without values; docs/monitoring.md says what is seen and what is not. Asks no node.
Prints with --json, when it is ready: {"ready":true,"monitor":URL}; for each violation {"violation":…,"breaks":[…],"evidence":FOLDER}; at its end
{"judged":…,"dropped":…,"refusedLines":…,"violations":{…}}. The evidence is story.txt, picture.svg and history.jsonl, for causalmesh history check.
It ends with Ctrl-C and with SIGTERM. Given standard input and nothing else, it does not listen, says nothing of being ready, and ends with it. Exit code 1 when there was a violation; else 130 after Ctrl-C and 0 otherwise.

Examples:
  causalmesh monitor
  causalmesh monitor /var/log/shop/sessions.jsonl --evidence /var/lib/causalmesh/evidence
  ./load-test | causalmesh monitor - --listen 127.0.0.1:0`,
    );
  run(async (files, flags, terminal) => (await import("./commands/monitor.js")).monitor(files, flags, terminal));
}
