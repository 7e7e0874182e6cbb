// The model of spec/ and the code of packages/core side by side: whatever happens in a mesh of the code is taken as steps of the model, and after each
// step both have to be in the same state.

import { isDeepStrictEqual } from "node:util";
import { DrivenMesh, stateOf } from "@causalmesh/core/testing";
import { ModelMesh } from "./model.mjs";

const settle = () => new Promise((resolve) => process.nextTick(resolve));

/** How the two differ. `lines` say where, with what either of them has; then come the nodes and sessions that are different, as a whole. */
export class Divergence extends Error {
  constructor(lines, states = []) {
    super(lines.join("\n"));
    this.name = "Divergence";
    this.lines = lines;
    this.states = states;
  }
}

/**
 * Plays a trace. Rejects with the Divergence at which the two part. `watch` is told each step, what has happened, and then the steps that the model takes
 * for it.
 */
export async function play(modules, { size, steps }, { mutation, watch = () => undefined } = {}) {
  const mesh = new DrivenMesh(size, settle, mutation);
  await mesh.start();
  const follower = new Follower(new ModelMesh(modules, size), size.nodes);
  for (const step of steps) {
    const { deeds, failure } = await take(mesh, step);
    follower.steps = [];
    watch({ step, deeds, modelSteps: follower.steps });
    if (failure !== undefined) throw new Divergence([`the mesh fails: ${failure.message}`]);
    for (const deed of deeds) follower.follow(deed);
    follower.show(deeds);
    compare(stateOf(mesh), follower.model.state());
  }
}

async function take(mesh, step) {
  try {
    return { deeds: await mesh.take(step), failure: undefined };
  } catch (failure) {
    return { deeds: [], failure };
  }
}

/** Makes the model do what has happened. */
class Follower {
  model;
  /** Those that it has taken. */
  steps = [];
  #nodes;

  constructor(model, nodes) {
    this.model = model;
    this.#nodes = nodes;
  }

  #take(step) {
    this.steps.push(step);
    if (!this.model.isEnabled(step)) throw new Divergence([`the model cannot take ${JSON.stringify(step)}`]);
    this.model.take(step);
  }

  #takeAll(step) {
    while (this.model.isEnabled(step)) this.#take(step);
  }

  /** A node that is told what it does not show yet shows whatever it can from then on, before it answers. */
  #takeAsked(step) {
    this.#take(step);
    this.#take({ step: "ApplyStep", node: step.node });
  }

  #answer(step, values) {
    if (this.model.isEnabled(step)) differ(`the answer to session ${step.session}`, values, this.model.answersOf(step));
    this.#take(step);
  }

  follow(deed) {
    const { node, session } = deed;
    const ask = { step: "ReadStep", node, session, keys: [] };
    const tell = { step: "SnapshotStep", node, session, keys: [] };
    switch (deed.did) {
      case "read":
        this.#takeAsked(ask);
        return this.#answer({ ...ask, keys: deed.keys }, deed.values);
      case "write":
        this.#takeAsked(ask);
        return this.#take({ step: "WriteStep", node, session, changes: deed.changes, time: deed.time });
      case "join":
        return this.#take({ step: "JoinStep", session, other: deed.other });
      case "begin":
        this.#takeAsked(ask);
        return this.#take({ step: "BeginStep", node, session });
      case "tell":
        return this.#takeAsked(tell);
      case "snapshot":
        this.#takeAsked(tell);
        if (deed.isExtended) this.#take({ step: "ExtendStep", node, session });
        return this.#answer({ ...tell, keys: deed.keys }, deed.values);
      case "commit":
        this.#takeAsked(tell);
        return this.#take({ step: "CommitStep", node, session, changes: deed.changes, time: deed.time });
      case "end":
        return this.#take({ step: "EndStep", session });
      case "send":
        for (let replica = 0; replica < this.#nodes; replica++) this.#takeAll({ step: "SendStep", node, replica });
        return this.#take({ step: "PassStep", node });
      case "receive":
        this.#takeAll({ step: "ReceiveStep", link: node });
        for (const write of deed.writes) differ(`the write ${write.dot} on its way from node ${node}`, write, this.model.logged(node, write.dot));
        return;
      case "break":
        return this.#take({ step: "BreakStep", link: node });
      case "collect":
        return this.#take({ step: "CollectStep", node });
      case "flush":
        return this.#take({ step: "FlushStep", node: 0 });
      case "stored":
        return this.#take({ step: "StoredStep", node });
    }
  }

  /** A node always shows what it can: so does each to which something has happened. */
  show(deeds) {
    const nodes = deeds.flatMap(({ did, node }) => (node === undefined ? [] : [did === "receive" ? (node + 1) % this.#nodes : node]));
    for (const node of new Set(nodes)) this.model.take({ step: "ApplyStep", node });
  }
}

function differ(what, code, model) {
  const lines = differences(what, code, model);
  if (lines.length > 0) throw new Divergence(lines);
}

/** The state of the mesh against that of the model. */
function compare(code, model) {
  const parts = [
    ...code.nodes.map((node, index) => ({ what: `node ${index}`, code: node, model: model.nodes[index], of: nodeDifferences })),
    ...code.sessions.map((session, index) => ({ what: `session ${index}`, code: session, model: model.sessions[index], of: sessionDifferences })),
    { what: "store", code: code.store, model: model.store, of: differences },
  ];
  const different = parts.map((part) => ({ ...part, lines: part.of(part.what, part.code, part.model) })).filter(({ lines }) => lines.length > 0);
  if (different.length > 0)
    throw new Divergence(
      different.flatMap(({ lines }) => lines),
      different,
    );
}

function nodeDifferences(what, { clock, kept, ...code }, { clock: modelClock, ...model }) {
  const lines = differences(what, code, model);
  if (clock < modelClock) lines.push(`${what}: clock: ${clock} in the code is before ${modelClock} in the model`);
  const needed = model.applied.map((counter, replica) => Math.min(counter, model.common[replica], model.flushed[replica]) + 1);
  if (kept.some((counter, replica) => counter > needed[replica]))
    lines.push(`${what}: the log begins at ${JSON.stringify(kept)} in the code, and is needed from ${JSON.stringify(needed)} in the model`);
  return lines;
}

function sessionDifferences(what, { time, ...code }, { time: modelTime, ...model }) {
  const lines = differences(what, code, model);
  if (time < modelTime) lines.push(`${what}: time: ${time} in the code is before ${modelTime} in the model`);
  return lines;
}

function differences(what, code, model) {
  if (isDeepStrictEqual(code, model)) return [];
  if (!isObject(code) || !isObject(model)) return [`${what}: ${JSON.stringify(code)} in the code, ${JSON.stringify(model)} in the model`];
  return [...new Set([...Object.keys(code), ...Object.keys(model)])].flatMap((part) => differences(`${what}: ${part}`, code[part], model[part]));
}

function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
