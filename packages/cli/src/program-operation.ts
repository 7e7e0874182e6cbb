// The commands of those who operate meshes, their flags and their help: cluster, config, completion.

import type { Command } from "commander";
import type { Leaf } from "./program.js";

export function addCluster(parent: Command, leaf: Leaf): void {
  addClusterStatus(leaf(parent, "status"));
  addClusterMembers(parent, leaf);
}

function addClusterMembers(parent: Command, leaf: Leaf): void {
  const add = leaf(parent, "add <address>");
  add.command
    .description("Helps a new node into the mesh: says how to start it, and waits until it serves.")
    .option("--store <url>", "the store that the node is to be started on; looks whether it is this mesh's")
    .option("--wait <time>", "how long to wait for the node (default: 5m)")
    .addHelpText(
      "after",
      `
The node is a process on its own machine, so you start it there, before or after this command. Exit code 0 when it serves: it is in the view, and has
what the mesh had when it came. Prints with --json: {"added":ADDRESS,"ms":…,"replica":…,"epoch":…,"members":…}. Exit code 4 when it does not in time.

Examples:
  causalmesh cluster add 10.0.0.9:7400 --url mesh://10.0.0.7:7400 --secret-file mesh.secret
  ssh new-node systemctl start causalmesh && causalmesh cluster add new-node:7400 --wait 1m`,
    );
  add.run(async ([address], flags, terminal) => (await import("./commands/cluster-add.js")).clusterAdd(address, flags, terminal));

  const drain = leaf(parent, "drain <node>");
  drain.command
    .description("Takes a node out of service without loss: it takes no more sessions, hands over, leaves the mesh, and its process ends with 0.")
    .option("--wait <time>", "how long to wait until it has left (default: 60s)")
    .option("--force", "also the only member, which ends the mesh")
    .addHelpText(
      "after",
      `
NODE is an address or a replica id. Its sessions go on at other nodes by themselves. Prints with --json: {"drained":ADDRESS,"replica":…,"ms":…,"epoch":…,"members":…}.
Exit code 3 when the node does not answer, 4 when it has not left in time (it goes on leaving).

Examples:
  causalmesh cluster drain 10.0.0.8:7400
  causalmesh cluster drain 3 --wait 2m --json`,
    );
  drain.run(async ([node], flags, terminal) => (await import("./commands/cluster-drain.js")).clusterDrain(node, flags, terminal));

  const remove = leaf(parent, "remove <node>");
  remove.command
    .description("Takes a dead or unreachable member out of the mesh, through the member behind it.")
    .option("--force", "also one that is alive: it loses what only it has, and joins again by itself")
    .option("--wait <time>", "how long to wait until the members go on without it (default: 30s)")
    .addHelpText(
      "after",
      `
NODE is an address or a replica id. The mesh removes a dead member by itself after one to five seconds; this is for one that is known to be gone sooner, and
for one that others reach and this machine does not. A live one is refused (exit code 1), and what would be lost is said. When no member answers at all, start
a node on the store: it begins the mesh anew after eight seconds. Prints with --json: {"removed":ADDRESS,"replica":…,"epoch":…,"members":…}.

Example:
  causalmesh cluster remove 10.0.0.8:7400`,
    );
  remove.run(async ([node], flags, terminal) => (await import("./commands/cluster-remove.js")).clusterRemove(node, flags, terminal));
}

function addClusterStatus({ command, run }: ReturnType<Leaf>): void {
  command
    .description("Shows the members of the mesh and what each knows.")
    .option("--watch", "a picture of it, every second, until q or Ctrl-C")
    .addHelpText(
      "after",
      `
Vectors are written replica:counter. received: has it; common: knows that all have it; applied: readable; flushed: in the store.
A member that does not answer is shown as unreachable, and the exit code is 1 then; 3 when none answers. With --json it stands in
"unreachable":["10.0.0.8:7400"].

Examples:
  causalmesh cluster status --watch
  causalmesh cluster status --json --url mesh://10.0.0.7:7400`,
    );
  run(async (_args, flags, terminal) => (await import("./commands/cluster.js")).clusterStatus(flags, terminal));
}

export function addConfig(parent: Command, leaf: Leaf): void {
  const show = leaf(parent, "show");
  show.command
    .description("Shows every setting as it holds here. The secret is not shown, nor is the store's password.")
    .option("--origin", "also where each comes from")
    .addHelpText(
      "after",
      `
A setting comes from a flag, else the environment, else the configuration file, else its default. Prints with --json, for each: {"name":…,"value":…,"origin":…}.

Example:
  causalmesh config show --origin`,
    );
  show.run(async (_args, flags, terminal) => (await import("./commands/config.js")).configShow(flags, terminal));

  const validate = leaf(parent, "validate");
  validate.command.description("Checks the configuration file and the environment as the commands would, and starts nothing.").addHelpText(
    "after",
    `
Exit code 0 when they are right; 2, with the place and what to do, when not.

Example:
  causalmesh config validate --config production/causalmesh.config.json`,
  );
  validate.run(async (_args, flags, terminal) => (await import("./commands/config.js")).configValidate(flags, terminal));
}

export function addCompletion(leaf: Leaf, program: Command): void {
  const { command, run } = leaf(program, "completion <shell>");
  command.description("Prints the script with which bash, zsh or fish completes commands and flags.").addHelpText(
    "after",
    `
Examples:
  source <(causalmesh completion bash)                                        # in ~/.bashrc; needs the package bash-completion
  source <(causalmesh completion zsh)                                         # in ~/.zshrc, after compinit
  causalmesh completion fish > ~/.config/fish/completions/causalmesh.fish`,
  );
  run(async ([shell]) => (await import("./commands/completion.js")).completion(shell, program));
  // Only the script asks this.
  const answers = leaf(program, "complete [words...]", true);
  answers.run(async (words) => (await import("./commands/completion.js")).complete(words, program));
}
