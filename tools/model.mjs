// The model of spec/ as a program: its steps are compiled to JavaScript by Dafny, and its states are told in plain numbers and objects, in the form of
// packages/core/src/testing/driven-state.ts.

import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { compileFunction } from "node:vm";
import { ROOT } from "./packages.mjs";
import { filesOf, needDafny } from "./verify.mjs";

const execute = promisify(execFile);
const require = createRequire(import.meta.url);
/** The one that the compiled model takes. */
const BigNumber = require("bignumber.js");
const MAIN = "mesh.dfy";
const MODULES = ["Nodes", "Sessions", "Meshes"];

/**
 * The model as JavaScript, for `loadModel`. `change` may give a file's text anew, to see what becomes of a model that is wrong. Nothing is verified here.
 * Throws what Dafny complains of.
 */
export async function compileModel(change = (_name, text) => text) {
  await needDafny();
  const spec = join(ROOT, "spec");
  const place = mkdtempSync(join(tmpdir(), "causalmesh-model-"));
  try {
    for (const name of filesOf(spec)) writeFileSync(join(place, name), change(name, readFileSync(join(spec, name), "utf8")));
    // Its exit status tells whether something was verified. What does not compile is not written.
    const options = ["/nologo", "/noVerify", "/compileTarget:js", "/compile:0", "/spillTargetCode:3"];
    const { stdout } = await execute("dafny", [...options, MAIN], { cwd: place }).catch((error) => error);
    const compiled = join(place, MAIN.replace(".dfy", ".js"));
    if (!existsSync(compiled)) throw new Error(`${MAIN} does not compile:\n${stdout}`);
    return readFileSync(compiled, "utf8");
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

/** The modules of a compiled model, for `ModelMesh`. Dafny numbers them, and exports none. */
export function loadModel(code) {
  const exported = MODULES.map((name) => {
    const found = new RegExp(`^let (_\\d+_${name}_Compile) = `, "m").exec(code)?.[1];
    if (found === undefined) throw new Error(`the compiled model has no module ${name}`);
    return `${name}: ${found}`;
  });
  return compileFunction(`${code}\nreturn { Dafny: _dafny, ${exported.join(", ")} };`, ["require"])(require);
}

/** A mesh of the model. Nodes, sessions and keys are numbers from 0; `changes` and what is read are objects by key. */
export class ModelMesh {
  #modules;
  #mesh;
  #nodes;
  /** What was told of nodes and sessions, which are often the same in the next state. */
  #told = new WeakMap();

  constructor(modules, { nodes, sessions }) {
    const { Dafny, Nodes, Sessions, Meshes } = modules;
    const sequence = (length, make) => Dafny.Seq.from({ length }, make);
    this.#modules = modules;
    this.#nodes = nodes;
    this.#mesh = Meshes.Mesh.create_Mesh(
      sequence(nodes, () => Nodes.__default.NewNode()),
      sequence(nodes, () => Meshes.Link.create_Link(Dafny.Seq.of(), Dafny.Seq.of())),
      sequence(sessions, () => Sessions.__default.NewSession()),
      Meshes.Store.create_Store(Dafny.Map.Empty, Dafny.Seq.of()),
    );
    if (!Meshes.__default.Init(this.#mesh)) throw new Error("the model does not begin like this");
  }

  /** A step as the model has it: its name, and what it takes in the order of spec/mesh.dfy. */
  #step({ step, ...parts }) {
    const { Dafny, Meshes } = this.#modules;
    const values = Object.values(parts).map((part) => {
      if (typeof part === "number") return new BigNumber(part);
      if (Array.isArray(part)) return Dafny.Set.fromElements(...part.map((key) => new BigNumber(key)));
      return Object.entries(part).reduce((map, [key, value]) => map.update(new BigNumber(key), new BigNumber(value)), Dafny.Map.Empty);
    });
    return Meshes.Step[`create_${step}`](...values);
  }

  isEnabled(step) {
    return this.#modules.Meshes.__default.Enabled(this.#mesh, this.#step(step));
  }

  take(step) {
    this.#mesh = this.#modules.Meshes.__default.Take(this.#mesh, this.#step(step));
  }

  /** The values that a read answers, of the keys that have one. */
  answersOf(step) {
    const { __default: meshes } = this.#modules.Meshes;
    const answers = (step.step === "ReadStep" ? meshes.AnswersOf : meshes.SnapshotOf)(this.#mesh, this.#step(step));
    return Object.fromEntries([...answers].filter(([, version]) => !version.value.isZero()).map(([key, { value }]) => [Number(key), Number(value)]));
  }

  /** The write with this dot as a node's log has it; undefined where it has not. */
  logged(node, dot) {
    const found = [...this.#mesh.nodes[node].log].find(([of]) => dotOf(of) === dot);
    return found === undefined ? undefined : { dot, vector: this.#vector(found[1].vector), ...writeOf(found[1]) };
  }

  state() {
    return {
      nodes: this.#mesh.nodes.map((node) => this.#once(node, () => this.#nodeState(node))),
      sessions: this.#mesh.sessions.map((session) => this.#once(session, () => this.#sessionState(session))),
      store: this.#once(this.#mesh.store, () => ({ flushed: this.#vector(this.#mesh.store.flushed), rows: versionsOf(this.#mesh.store.rows) })),
    };
  }

  #once(part, tell) {
    if (!this.#told.has(part)) this.#told.set(part, tell());
    return this.#told.get(part);
  }

  #nodeState(node) {
    const [received, common, applied, flushed, issued] = [node.received, node.common, node.applied, node.flushed, node.issued].map((one) => this.#vector(one));
    return { received, common, applied, flushed, follows: joined(issued, applied), clock: Number(node.clock), shows: versionsOf(node.cache) };
  }

  #sessionState({ visible, own, written, time, transaction }) {
    const seen = this.#vector(visible);
    const beyond = [...own].filter(({ dot }) => Number(dot.counter) > seen[Number(dot.replica)]);
    return {
      visible: seen,
      follows: joined(seen, this.#vector(written)),
      own: Object.fromEntries(beyond.map((write) => [dotOf(write.dot), writeOf(write)])),
      time: Number(time),
      transaction: transaction.is_None ? undefined : this.#transactionState(transaction.value),
    };
  }

  #transactionState({ snapshot, own, keys, answers }) {
    const fixed = this.#vector(snapshot);
    const beyond = [...own].filter(({ dot }) => Number(dot.counter) > fixed[Number(dot.replica)]);
    const seen = [...keys].map((key) => [Number(key), answers.contains(key) ? dotOf(answers.get(key).dot) : "none"]);
    return { snapshot: fixed, own: [...new Set(beyond.map(({ dot }) => dotOf(dot)))].sort(), seen: Object.fromEntries(seen) };
  }

  #vector(counters) {
    return Array.from({ length: this.#nodes }, (_, node) => (node < counters.length ? Number(counters[node]) : 0));
  }
}

function versionsOf(cache) {
  return Object.fromEntries([...cache].map(([key, { dot, time, value }]) => [Number(key), { dot: dotOf(dot), time: Number(time), value: Number(value) }]));
}

function writeOf({ time, changes }) {
  return { time: Number(time), changes: Object.fromEntries([...changes].map(([key, value]) => [Number(key), Number(value)])) };
}

function joined(a, b) {
  return a.map((counter, node) => Math.max(counter, b[node]));
}

function dotOf({ replica, counter }) {
  return `${replica}:${counter}`;
}
