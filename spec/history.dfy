// What really happened: the ground truth of causality, which the mesh does not look at.
//
// `Record` watches the steps. A write follows what its session had seen: what it wrote itself, what it was answered, and what those writes
// followed in turn. No vector, no clock and no node has a part in that.

include "mesh.dfy"

module Histories {
  import opened Vectors
  import opened Writes
  import opened Nodes
  import opened Sessions
  import opened Meshes

  /** What a session did, with all that it had seen once it was done. */
  datatype Event =
    | WriteEvent(dot: Dot, seen: iset<Dot>)
    // `shown` is what the answer was made from: the writes that the node showed, and the session's own.
    | ReadEvent(keys: set<Key>, answers: map<Key, Version>, shown: iset<Dot>, seen: iset<Dot>)

  datatype History = History(
    // All writes that were ever made.
    made: map<Dot, Write>,
    // What each of them followed, and itself.
    past: map<Dot, iset<Dot>>,
    // What each session has seen.
    seen: seq<iset<Dot>>,
    // What each session did, in its order.
    events: seq<seq<Event>>)

  function Below(v: Vector): iset<Dot> {
    iset dot | Has(v, dot)
  }

  predicate IsAmong(dot: Dot, own: seq<Write>) {
    exists write :: write in own && write.dot == dot
  }

  function Dots(own: seq<Write>): iset<Dot> {
    iset dot | IsAmong(dot, own)
  }

  predicate IsBehind(dot: Dot, h: History, answers: map<Key, Version>) {
    exists key :: key in answers && answers[key].dot in h.past && dot in h.past[answers[key].dot]
  }

  /** The answers, and all that they followed. */
  function PastOf(h: History, answers: map<Key, Version>): iset<Dot> {
    iset dot | IsBehind(dot, h, answers)
  }

  predicate IsHistory(m: Mesh, h: History) {
    |h.seen| == |m.sessions| && |h.events| == |m.sessions|
  }

  predicate InitHistory(m: Mesh, h: History) {
    && IsHistory(m, h)
    && h.made == map[]
    && h.past == map[]
    && (forall s | 0 <= s < |h.seen| :: h.seen[s] == iset{} && h.events[s] == [])
  }

  function Record(m: Mesh, h: History, step: Step): History
    requires IsMesh(m) && IsHistory(m, h) && Enabled(m, step)
    ensures IsHistory(Take(m, step), Record(m, h, step))
  {
    match step
    case WriteStep(i, s, changes, time) =>
      var write := WriteOf(m, step);
      var seen := h.seen[s] + iset{write.dot};
      History(
        h.made[write.dot := write],
        h.past[write.dot := seen],
        h.seen[s := seen],
        h.events[s := h.events[s] + [WriteEvent(write.dot, seen)]])
    case ReadStep(i, s, keys) =>
      var answers := AnswersOf(m, step);
      var shown := Below(Asked(m, i, s).applied) + Dots(m.sessions[s].own);
      var seen := h.seen[s] + PastOf(h, answers);
      h.(seen := h.seen[s := seen], events := h.events[s := h.events[s] + [ReadEvent(keys, answers, shown, seen)]])
    case JoinStep(s, other) => h.(seen := h.seen[s := h.seen[s] + h.seen[other]])
    case SendStep(i, replica) => h
    case PassStep(i) => h
    case ReceiveStep(l) => h
    case BreakStep(l) => h
    case ApplyStep(i) => h
  }

  /** A mesh with the truth about it. */
  datatype State = State(mesh: Mesh, history: History)

  predicate IsState(s: State) {
    IsMesh(s.mesh) && IsHistory(s.mesh, s.history)
  }

  predicate InitState(s: State) {
    Init(s.mesh) && InitHistory(s.mesh, s.history)
  }

  predicate NextState(s: State, after: State)
    requires IsState(s)
  {
    exists step :: Enabled(s.mesh, step) && after == State(Take(s.mesh, step), Record(s.mesh, s.history, step))
  }
}
