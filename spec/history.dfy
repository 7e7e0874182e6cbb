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
    // A transaction at its end: all that it has read since it began, behind so many events, from one snapshot; and the write that it made.
    | TransactionEvent(since: nat, keys: set<Key>, answers: map<Key, Version>, shown: iset<Dot>, seen: iset<Dot>, commit: Option<Dot>)

  datatype History = History(
    // All writes that were ever made.
    made: map<Dot, Write>,
    // What each of them followed, and itself.
    past: map<Dot, iset<Dot>>,
    // What each session has seen.
    seen: seq<iset<Dot>>,
    // What each session did, in its order.
    events: seq<seq<Event>>,
    // How much it had done when its transaction began.
    since: seq<nat>)

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
    |h.seen| == |m.sessions| && |h.events| == |m.sessions| && |h.since| == |m.sessions|
  }

  predicate InitHistory(m: Mesh, h: History) {
    && IsHistory(m, h)
    && h.made == map[]
    && h.past == map[]
    && (forall s | 0 <= s < |h.seen| :: h.seen[s] == iset{} && h.events[s] == [] && h.since[s] == 0)
  }

  /** What an open transaction reads from. */
  function Snapshot(transaction: Transaction): iset<Dot> {
    Below(transaction.snapshot) + Dots(transaction.own)
  }

  /** The transaction of a session, as it ends. */
  function Ended(h: History, session: nat, transaction: Transaction, commit: Option<Dot>): History
    requires session < |h.seen| == |h.events| == |h.since|
  {
    var event := TransactionEvent(h.since[session], transaction.keys, transaction.answers, Snapshot(transaction), h.seen[session], commit);
    h.(events := h.events[session := h.events[session] + [event]])
  }

  /** A write follows all that its session has seen. */
  function Written(h: History, session: nat, write: Write): History
    requires session < |h.seen| == |h.events| == |h.since|
  {
    var seen := h.seen[session] + iset{write.dot};
    h.(
      made := h.made[write.dot := write],
      past := h.past[write.dot := seen],
      seen := h.seen[session := seen],
      events := h.events[session := h.events[session] + [WriteEvent(write.dot, seen)]])
  }

  function Record(m: Mesh, h: History, step: Step): History
    requires IsMesh(m) && IsHistory(m, h) && Enabled(m, step)
    ensures IsHistory(Take(m, step), Record(m, h, step))
  {
    match step
    case WriteStep(i, s, changes, time) => Written(h, s, WriteOf(m, step))
    case ReadStep(i, s, keys) =>
      var answers := AnswersOf(m, step);
      var shown := Below(Asked(m, i, s).applied) + Dots(m.sessions[s].own);
      var seen := h.seen[s] + PastOf(h, answers);
      h.(seen := h.seen[s := seen], events := h.events[s := h.events[s] + [ReadEvent(keys, answers, shown, seen)]])
    case JoinStep(s, other) => h.(seen := h.seen[s := h.seen[s] + h.seen[other]])
    case BeginStep(i, s) => h.(since := h.since[s := |h.events[s]|])
    case SnapshotStep(i, s, keys) => h.(seen := h.seen[s := h.seen[s] + PastOf(h, SnapshotOf(m, step))])
    case ExtendStep(i, s) => h
    case CommitStep(i, s, changes, time) =>
      var write := WriteOf(m, WriteStep(i, s, changes, time));
      Ended(Written(h, s, write), s, m.sessions[s].transaction.value, Some(write.dot))
    case EndStep(s) => Ended(h, s, m.sessions[s].transaction.value, None)
    case SendStep(i, replica) => h
    case PassStep(i) => h
    case ReceiveStep(l) => h
    case BreakStep(l) => h
    case ApplyStep(i) => h
    case CollectStep(i) => h
    case FlushStep(i) => h
    case StoredStep(i) => h
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
