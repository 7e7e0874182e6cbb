// Random traces for the conformance run: a mesh, and what is done with it (packages/core/src/testing/driven-steps.ts).

import * as fc from "fast-check";

const SESSIONS = 4;
const KEYS = 3;
const STEPS_MAX = 150;

/** One time in five; a trace that is made shorter does without. */
const sometimes = fc.nat(4).map((one) => one === 4);
const session = fc.nat(SESSIONS - 1);
const keys = fc.uniqueArray(fc.nat(KEYS - 1), { minLength: 1, maxLength: KEYS });
const changes = fc.uniqueArray(fc.record({ key: fc.nat(KEYS - 1), deletes: sometimes }), {
  selector: ({ key }) => key,
  minLength: 1,
  maxLength: KEYS,
});
const request = fc.oneof(fc.record({ session, read: keys }), fc.record({ session, write: changes }));

function stepAt(nodes) {
  const node = fc.nat(nodes - 1);
  const step = (name, weight, parts) => ({ weight, arbitrary: fc.record({ step: fc.constant(name), ...parts }) });
  return fc.oneof(
    // The requests of one tick share a segment. A mesh of one node shows its own writes with the tick, which the model does with the write.
    step("ask", 30, { node, requests: fc.array(request, { minLength: 1, maxLength: nodes === 1 ? 1 : 3 }) }),
    step("deliver", 30, { node }),
    step("transact", 12, { session, node, read: keys, packed: fc.boolean() }),
    step("commit", 4, { session, node, write: fc.oneof({ weight: 6, arbitrary: changes }, fc.constant([])) }),
    step("rollback", 1, { session }),
    step("join", 4, { session, other: session }),
    step("store", 10, { fails: sometimes }),
    step("break", 2, { node }),
    step("hangUp", 1, { client: fc.nat(1), node }),
    step("pass", 2, { node, ms: fc.integer({ min: 1, max: 50 }) }),
    step("forget", 4, { node }),
  );
}

/** Three nodes mostly: fewer have no node between two others, more take longer. */
const nodes = fc.oneof({ weight: 8, arbitrary: fc.constant(3) }, { weight: 2, arbitrary: fc.constant(2) }, fc.constant(4), fc.constant(1));

export const traces = nodes.chain((count) =>
  fc.record({
    size: fc.constant({ nodes: count, sessions: SESSIONS, keys: KEYS }),
    steps: fc.array(stepAt(count), { minLength: 1, maxLength: STEPS_MAX, size: "max" }),
  }),
);
