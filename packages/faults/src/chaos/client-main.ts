// A program with roaming workflows, which give sessions to those of other programs and take theirs over.

import type { Mesh } from "@causalmesh/core";
import { SeededRandom } from "@causalmesh/core/testing";
import { connect } from "@causalmesh/transport-tcp";
import { Notes, type Note, type NotesOptions } from "../notes.js";
import { Workflow, type Exchange, type FailedCall, type HeldToken } from "../workflow.js";
import { serve } from "./program.js";

export interface ClientOrder {
  readonly addresses: readonly string[];
  readonly seed: number;
  readonly notes: NotesOptions;
}

export interface ClientReport {
  readonly notes: readonly Note[];
  readonly answered: number;
  readonly failed: readonly FailedCall[];
}

const WORKFLOWS = 3;
const PAUSE_MS_MAX = 60;
/** Little: what a session writes while a successor is silent has to fit into its token. */
const PADDING_BYTES_MAX = 150;
const FORK_CHANCE = 0.05;

let mesh: Mesh | undefined;
let notes: Notes;
let workflows: readonly Workflow[] = [];
let running: Promise<unknown>;
let inbox: HeldToken[] = [];
/** Where each workflow goes on from, in the next round. */
let tokens: (string | undefined)[] = [];

const others: Exchange = {
  give: (held) => void process.send!({ type: "mail", mail: held }),
  take: () => inbox.shift(),
};

serve<ClientOrder, ClientReport>({
  begin: async ({ addresses, seed, notes: options }) => {
    // At default settings but for this: a write that was made twice has two names.
    mesh ??= await connect({ nodes: addresses, retryWrites: false });
    notes = new Notes(options);
    inbox = [];
    const random = new SeededRandom(seed);
    const common = { recording: notes, meshes: [mesh], addresses, others, forkChance: FORK_CHANCE, excused: ["NODE_BEHIND"] };
    workflows = Array.from({ length: WORKFLOWS }, (_, index) => {
      const name = `p${options.process + 1}w${index + 1}`;
      return new Workflow({ ...common, name, random: random.split(), token: tokens[index], pauseMsMax: PAUSE_MS_MAX, paddingBytesMax: PADDING_BYTES_MAX });
    });
    running = Promise.all(workflows.map((workflow) => workflow.run()));
  },
  stop: async () => {
    for (const workflow of workflows) workflow.stop();
    await running;
    tokens = await Promise.all(workflows.map(async (workflow) => (await workflow.tokens()).at(-1)?.token));
    return { notes: notes.notes, answered: workflows.reduce((sum, { answered }) => sum + answered, 0), failed: workflows.flatMap(({ excused }) => excused) };
  },
  mailed: (held) => void inbox.push(held as HeldToken),
});
