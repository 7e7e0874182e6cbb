// The model of spec/ with one rule changed: what the conformance run must find. Each changes the text of one file before it is compiled.

function mutation(name, file, from, to) {
  const change = (of, text) => {
    if (of !== file) return text;
    const parts = text.split(from);
    if (parts.length !== 2) throw new Error(`${name}: ${file} has ${parts.length - 1} times ${from}`);
    return parts.join(to);
  };
  return { name, file, change };
}

export const MODEL_MUTATIONS = [
  mutation("the earlier write wins", "writes.dfy", "time > overTime", "time < overTime"),
  mutation("vectors are not joined", "vectors.dfy", "[Max(At(a, size - 1), At(b, size - 1))]", "[At(a, size - 1)]"),
  mutation("a write is shown when its dot is common", "node.dfy", "&& next in node.log && Within(node.log[next].vector, node.common)", "&& next in node.log"),
  mutation("nothing is shown before a session asks", "node.dfy", "ShowUpTo(node, Join(node.applied, Reaches(node, |node.common|)))", "node"),
  mutation(
    "everybody is the tail",
    "node.dfy",
    "common := if isTail then Set(node.common, replica, counter)",
    "common := if true then Set(node.common, replica, counter)",
  ),
  mutation("what is told of common is not learnt", "node.dfy", "node.(common := Join(node.common, common), ", "node.("),
  mutation("what a session has seen is not common", "node.dfy", "      common := Join(node.common, visible),\n", ""),
  mutation("what a session has written is not followed", "node.dfy", "      issued := Join(node.issued, written),\n", ""),
  mutation("a write does not follow what is shown", "node.dfy", "Set(Join(node.issued, node.applied), self, counter)", "Set(node.issued, self, counter)"),
  mutation("a write does not follow the one before", "node.dfy", "Set(Join(node.issued, node.applied), self, counter)", "Set(node.applied, self, counter)"),
  mutation("a batch holds what is not shown", "node.dfy", "Batch(node.flushed, node.applied, ", "Batch(node.flushed, node.received, "),
  mutation(
    "a session has seen what its node has received",
    "session.dfy",
    "visible := Join(session.visible, node.applied)",
    "visible := Join(session.visible, node.received)",
  ),
  mutation("the own write always wins", "session.dfy", " && (best.None? || Beats(first.time, first.dot, best.value.time, best.value.dot))", ""),
  mutation("own writes are not taken over", "session.dfy", "own := session.own + other.own", "own := session.own"),
  mutation("a snapshot is without own writes", "session.dfy", "transaction.snapshot), transaction.own, keys)", "transaction.snapshot), [], keys)"),
  mutation(
    "a snapshot is what is shown",
    "mesh.dfy",
    "SnapshotAnswers(Asked(m, step.node, step.session).log, m.sessions[step.session].transaction.value, step.keys)",
    "Answers(Asked(m, step.node, step.session).cache, m.sessions[step.session].transaction.value.own, step.keys)",
  ),
  mutation("a transaction's session follows its reads", "mesh.dfy", "With(AfterAsking(m, i, s), s, ", "With(AfterRead(m, i, s), s, "),
  mutation("a transaction stays where it began", "mesh.dfy", "transaction.value.(snapshot := Asked(m, i, s).applied)", "transaction.value"),
  mutation(
    "a node answers only what it shows",
    "mesh.dfy",
    "HasAll(m.nodes[node], m.sessions[session].visible)",
    "Within(m.sessions[session].visible, m.nodes[node].applied)",
  ),
  mutation("a link goes on as if nothing had been lost", "mesh.dfy", "Link(m.nodes[Successor(size, l)].received, [])", "Link(m.links[l].sent, [])"),
  mutation("what is flushed is not passed on", "mesh.dfy", "[Common(m.nodes[i].common, m.nodes[i].flushed)]", "[Common(m.nodes[i].common, [])]"),
];
