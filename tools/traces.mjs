// Random traces for the conformance run: a mesh, and what is done with it (packages/core/src/testing/driven-steps.ts).

import * as fc from "fast-check";

const NODES_MAX = 4;
const SESSIONS = 5;
const STEPS_MAX = 150;

/** One time in five; a trace that is made shorter does without. */
const sometimes = fc.nat(4).map((one) => one === 4);
const session = fc.nat(SESSIONS - 1);
/** The others are free to write meanwhile. */
const transacting = fc.nat(1);

function stepIn({ nodes, keys, paces }) {
  const node = fc.nat(nodes - 1);
  const key = fc.nat(keys - 1);
  const read = fc.uniqueArray(key, { minLength: 1 });
  const write = fc.uniqueArray(fc.record({ key, deletes: sometimes }), { selector: (change) => change.key, minLength: 1 });
  const request = fc.oneof(fc.record({ session, read }), fc.record({ session, write }));
  const step = (name, weight, parts) => ({ weight, arbitrary: fc.record({ step: fc.constant(name), ...parts }) });
  return fc.oneof(
    // The requests of one tick share a segment. A mesh of one node shows its own writes with the tick, which the model does with the write.
    step("ask", 30, { node, requests: fc.array(request, { minLength: 1, maxLength: nodes === 1 ? 1 : 3 }) }),
    step("deliver", 30, { node: fc.oneof(...paces.slice(0, nodes).map((weight, link) => ({ weight, arbitrary: fc.constant(link) }))) }),
    step("transact", 12, { session: transacting, node, read, packed: fc.boolean() }),
    step("commit", 3, { session: transacting, node, write: fc.oneof({ weight: 6, arbitrary: write }, fc.constant([])) }),
    step("rollback", 1, { session: transacting }),
    step("join", 4, { session, other: session }),
    step("store", 10, { fails: sometimes }),
    step("break", 2, { node }),
    step("hangUp", 1, { client: fc.nat(1), node }),
    step("pass", 2, { node, ms: fc.integer({ min: 1, max: 50 }) }),
    step("forget", 4, { node }),
  );
}

/** Three nodes mostly: fewer have no node between two others, more take longer. */
const nodes = fc.oneof({ weight: 8, arbitrary: fc.constant(3) }, { weight: 2, arbitrary: fc.constant(2) }, fc.constant(NODES_MAX), fc.constant(1));

/** The fewer keys, the more writes meet. */
const keys = fc.integer({ min: 1, max: 3 });

/** Of the link behind each node: what is sent later elsewhere often arrives earlier. */
const paces = fc.tuple(...Array.from({ length: NODES_MAX }, () => fc.constantFrom(1, 4, 16)));

export const traces = fc.record({ nodes, keys, paces }).chain((mesh) =>
  fc.record({
    size: fc.constant({ nodes: mesh.nodes, sessions: SESSIONS, keys: mesh.keys }),
    steps: fc.array(stepIn(mesh), { minLength: 1, maxLength: STEPS_MAX, size: "max" }),
  }),
);
