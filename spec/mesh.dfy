// The mesh as a state machine: nodes in a ring, links with messages in flight, sessions that go to any node at every step.
//
// `Init` and `Next` are the whole of the model. Everything here can be run; nothing here knows what causality is.

include "session.dfy"

module Meshes {
  import opened Vectors
  import opened Writes
  import opened Nodes
  import opened Sessions

  /** What a node tells its successor. */
  datatype Message = Segment(write: Write) | Common(common: Vector, flushed: Vector)

  /** From a node to its successor, first in first out: up to which counter of each replica it was sent, and what is on its way. */
  datatype Link = Link(sent: Vector, flight: seq<Message>)

  /** Link i goes from node i to its successor. Replica ids are the places in the ring. */
  datatype Mesh = Mesh(nodes: seq<Node>, links: seq<Link>, sessions: seq<Session>, store: Store)

  /** The database: a row for each key, and the writes that it has. */
  datatype Store = Store(rows: Cache, flushed: Vector)

  datatype Step =
    | WriteStep(node: nat, session: nat, changes: map<Key, Value>, time: nat)
    | ReadStep(node: nat, session: nat, keys: set<Key>)
    | JoinStep(session: nat, other: nat)
    | BeginStep(node: nat, session: nat)
    | SnapshotStep(node: nat, session: nat, keys: set<Key>)
    | ExtendStep(node: nat, session: nat)
    | CommitStep(node: nat, session: nat, changes: map<Key, Value>, time: nat)
    | EndStep(session: nat)
    | SendStep(node: nat, replica: Replica)
    | PassStep(node: nat)
    | ReceiveStep(link: nat)
    | BreakStep(link: nat)
    | ApplyStep(node: nat)
    | CollectStep(node: nat)
    | FlushStep(node: nat)
    | StoredStep(node: nat)

  function method Successor(size: nat, node: nat): nat {
    if node + 1 < size then node + 1 else 0
  }

  /** The tail of a replica's writes: its predecessor, where they have gone all the way round. */
  predicate method IsTail(size: nat, node: nat, replica: Replica) {
    Successor(size, node) == replica
  }

  predicate method IsMesh(m: Mesh) {
    |m.nodes| > 0 && |m.links| == |m.nodes|
  }

  predicate method Init(m: Mesh) {
    && IsMesh(m)
    && (forall i | 0 <= i < |m.nodes| :: m.nodes[i] == NewNode() && m.links[i] == Link([], []))
    && (forall s | 0 <= s < |m.sessions| :: m.sessions[s] == NewSession())
    && m.store == Store(map[], [])
  }

  predicate method CanAsk(m: Mesh, node: nat, session: nat) {
    node < |m.nodes| && session < |m.sessions| && HasAll(m.nodes[node], m.sessions[session].visible)
  }

  predicate method CanWrite(m: Mesh, node: nat, session: nat, time: nat) {
    CanAsk(m, node, session) && time > m.nodes[node].clock && time > m.sessions[session].time
  }

  predicate method IsOpen(m: Mesh, session: nat) {
    session < |m.sessions| && m.sessions[session].transaction.Some?
  }

  /** When a step can be taken. A request of a session asks for nothing but that the node has what the session has seen. */
  predicate method Enabled(m: Mesh, step: Step)
    requires IsMesh(m)
  {
    match step
    case WriteStep(i, s, changes, time) => CanWrite(m, i, s, time)
    case ReadStep(i, s, keys) => CanAsk(m, i, s)
    case JoinStep(s, other) => s < |m.sessions| && other < |m.sessions|
    case BeginStep(i, s) => CanAsk(m, i, s) && !IsOpen(m, s)
    case SnapshotStep(i, s, keys) => CanAsk(m, i, s) && IsOpen(m, s)
    case ExtendStep(i, s) => CanAsk(m, i, s) && IsOpen(m, s) && IsUnchanged(m.sessions[s].transaction.value, Asked(m, i, s).cache)
    case CommitStep(i, s, changes, time) => CanWrite(m, i, s, time) && IsOpen(m, s)
    case EndStep(s) => IsOpen(m, s)
    case SendStep(i, replica) =>
      i < |m.nodes| && replica < |m.nodes| && !IsTail(|m.nodes|, i, replica) && NextToSend(m, i, replica) in m.nodes[i].log
      && Has(m.nodes[i].received, NextToSend(m, i, replica))
    case PassStep(i) => i < |m.nodes|
    case ReceiveStep(l) => l < |m.links| && m.links[l].flight != []
    case BreakStep(l) => l < |m.links|
    case ApplyStep(i) => i < |m.nodes|
    case CollectStep(i) => i < |m.nodes|
    case FlushStep(i) => i < |m.nodes| && m.nodes[i].batch.Some?
    case StoredStep(i) => i < |m.nodes|
  }

  function method NextToSend(m: Mesh, node: nat, replica: Replica): Dot
    requires node < |m.links|
  {
    Dot(replica, At(m.links[node].sent, replica) + 1)
  }

  /** The node as it answers a session: it has learnt what the session knows. */
  function method Asked(m: Mesh, node: nat, session: nat): Node
    requires node < |m.nodes| && session < |m.sessions|
  {
    var asking := m.sessions[session];
    Learn(m.nodes[node], asking.visible, asking.written, asking.time)
  }

  /** The write that a WriteStep makes. */
  function method WriteOf(m: Mesh, step: Step): Write
    requires IsMesh(m) && step.WriteStep? && Enabled(m, step)
  {
    NextWrite(Asked(m, step.node, step.session), step.node, step.changes, step.time)
  }

  /** What a ReadStep answers. */
  function method AnswersOf(m: Mesh, step: Step): map<Key, Version>
    requires IsMesh(m) && step.ReadStep? && Enabled(m, step)
  {
    Answers(Asked(m, step.node, step.session).cache, m.sessions[step.session].own, step.keys)
  }

  /** What a SnapshotStep answers. */
  function method SnapshotOf(m: Mesh, step: Step): map<Key, Version>
    requires IsMesh(m) && step.SnapshotStep? && Enabled(m, step)
  {
    SnapshotAnswers(Asked(m, step.node, step.session).log, m.sessions[step.session].transaction.value, step.keys)
  }

  /** The node has been told what the session knows. */
  function method AfterAsking(m: Mesh, node: nat, session: nat): Mesh
    requires node < |m.nodes| && session < |m.sessions|
  {
    m.(nodes := m.nodes[node := Asked(m, node, session)])
  }

  function method AfterRead(m: Mesh, node: nat, session: nat): Mesh
    requires node < |m.nodes| && session < |m.sessions|
  {
    var asked := Asked(m, node, session);
    m.(nodes := m.nodes[node := asked], sessions := m.sessions[session := Follow(m.sessions[session], asked)])
  }

  function method AfterWrite(m: Mesh, node: nat, session: nat, write: Write): Mesh
    requires node < |m.nodes| && session < |m.sessions|
  {
    var asked := Asked(m, node, session);
    m.(nodes := m.nodes[node := Make(asked, write, IsTail(|m.nodes|, node, node))],
       sessions := m.sessions[session := Follow(Wrote(m.sessions[session], write), asked)])
  }

  function method With(m: Mesh, session: nat, transaction: Option<Transaction>): Mesh
    requires session < |m.sessions|
  {
    m.(sessions := m.sessions[session := m.sessions[session].(transaction := transaction)])
  }

  function method Take(m: Mesh, step: Step): Mesh
    requires IsMesh(m) && Enabled(m, step)
    ensures IsMesh(Take(m, step)) && |Take(m, step).nodes| == |m.nodes| && |Take(m, step).sessions| == |m.sessions|
  {
    var size := |m.nodes|;
    match step
    case WriteStep(i, s, changes, time) => AfterWrite(m, i, s, WriteOf(m, step))
    case ReadStep(i, s, keys) => AfterRead(m, i, s)
    case JoinStep(s, other) =>
      m.(sessions := m.sessions[s := Joined(m.sessions[s], m.sessions[other])])
    // The snapshot is what the node of the first read shows.
    case BeginStep(i, s) =>
      With(AfterRead(m, i, s), s, Some(Transaction(Asked(m, i, s).applied, m.sessions[s].own, {}, map[])))
    // What is read is within what the session has seen. It does not follow the node, which may show more.
    case SnapshotStep(i, s, keys) =>
      With(AfterAsking(m, i, s), s, Some(HasRead(m.sessions[s].transaction.value, keys, SnapshotOf(m, step))))
    // All that was read is the same in a newer snapshot: the transaction goes on there.
    case ExtendStep(i, s) =>
      With(AfterRead(m, i, s), s, Some(m.sessions[s].transaction.value.(snapshot := Asked(m, i, s).applied)))
    // What the transaction has buffered is one write.
    case CommitStep(i, s, changes, time) =>
      With(AfterWrite(m, i, s, WriteOf(m, WriteStep(i, s, changes, time))), s, None)
    case EndStep(s) =>
      With(m, s, None)
    case SendStep(i, replica) =>
      var dot := NextToSend(m, i, replica);
      m.(links := m.links[i := Link(Set(m.links[i].sent, replica, dot.counter), m.links[i].flight + [Segment(m.nodes[i].log[dot])])])
    case PassStep(i) =>
      m.(links := m.links[i := m.links[i].(flight := m.links[i].flight + [Common(m.nodes[i].common, m.nodes[i].flushed)])])
    case ReceiveStep(l) =>
      var to := Successor(size, l);
      var node := m.nodes[to];
      var after := match m.links[l].flight[0]
        case Segment(write) => Receive(node, write, IsTail(size, to, write.dot.replica))
        case Common(common, flushed) => LearnCommon(node, common, flushed);
      m.(nodes := m.nodes[to := after], links := m.links[l := m.links[l].(flight := m.links[l].flight[1..])])
    // The connection is lost with what was on it; the next one goes on from what the receiver says that it has.
    case BreakStep(l) =>
      m.(links := m.links[l := Link(m.nodes[Successor(size, l)].received, [])])
    case ApplyStep(i) =>
      m.(nodes := m.nodes[i := Apply(m.nodes[i])])
    case CollectStep(i) =>
      m.(nodes := m.nodes[i := Collect(m.nodes[i])])
    // The store takes the batch, in one transaction. The node need not hear of it, and may give it the same batch again.
    case FlushStep(i) =>
      var batch := m.nodes[i].batch.value;
      m.(store := Store(Merge(m.store.rows, batch.rows), Join(m.store.flushed, batch.upTo)))
    // The store tells what it has.
    case StoredStep(i) =>
      m.(nodes := m.nodes[i := m.nodes[i].(flushed := Join(m.nodes[i].flushed, m.store.flushed))])
  }

  predicate Next(m: Mesh, after: Mesh)
    requires IsMesh(m)
  {
    exists step :: Enabled(m, step) && after == Take(m, step)
  }
}
