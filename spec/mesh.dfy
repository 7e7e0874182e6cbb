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
  datatype Message = Segment(write: Write) | Common(common: Vector)

  /** From a node to its successor, first in first out: up to which counter of each replica it was sent, and what is on its way. */
  datatype Link = Link(sent: Vector, flight: seq<Message>)

  /** Link i goes from node i to its successor. Replica ids are the places in the ring. */
  datatype Mesh = Mesh(nodes: seq<Node>, links: seq<Link>, sessions: seq<Session>)

  datatype Step =
    | WriteStep(node: nat, session: nat, changes: map<Key, Value>, time: nat)
    | ReadStep(node: nat, session: nat, keys: set<Key>)
    | JoinStep(session: nat, other: nat)
    | SendStep(node: nat, replica: Replica)
    | PassStep(node: nat)
    | ReceiveStep(link: nat)
    | BreakStep(link: nat)
    | ApplyStep(node: nat)

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

  predicate Init(m: Mesh) {
    && IsMesh(m)
    && (forall i | 0 <= i < |m.nodes| :: m.nodes[i] == NEW_NODE && m.links[i] == Link([], []))
    && (forall s | 0 <= s < |m.sessions| :: m.sessions[s] == NEW_SESSION)
  }

  /** When a step can be taken. A request of a session asks for nothing but that the node has what the session has seen. */
  predicate method Enabled(m: Mesh, step: Step)
    requires IsMesh(m)
  {
    match step
    case WriteStep(i, s, changes, time) =>
      i < |m.nodes| && s < |m.sessions| && HasAll(m.nodes[i], m.sessions[s].visible) && time > m.nodes[i].clock && time > m.sessions[s].time
    case ReadStep(i, s, keys) => i < |m.nodes| && s < |m.sessions| && HasAll(m.nodes[i], m.sessions[s].visible)
    case JoinStep(s, other) => s < |m.sessions| && other < |m.sessions|
    case SendStep(i, replica) =>
      i < |m.nodes| && replica < |m.nodes| && !IsTail(|m.nodes|, i, replica) && NextToSend(m, i, replica) in m.nodes[i].log
      && Has(m.nodes[i].received, NextToSend(m, i, replica))
    case PassStep(i) => i < |m.nodes|
    case ReceiveStep(l) => l < |m.links| && m.links[l].flight != []
    case BreakStep(l) => l < |m.links|
    case ApplyStep(i) => i < |m.nodes|
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
    var Session(visible, own, written, time) := m.sessions[session];
    Learn(m.nodes[node], visible, written, time)
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

  function method Take(m: Mesh, step: Step): Mesh
    requires IsMesh(m) && Enabled(m, step)
    ensures IsMesh(Take(m, step))
  {
    var size := |m.nodes|;
    match step
    case WriteStep(i, s, changes, time) =>
      var asked := Asked(m, i, s);
      var write := WriteOf(m, step);
      m.(nodes := m.nodes[i := Make(asked, write, IsTail(size, i, i))],
         sessions := m.sessions[s := Follow(Wrote(m.sessions[s], write), asked)])
    case ReadStep(i, s, keys) =>
      var asked := Asked(m, i, s);
      m.(nodes := m.nodes[i := asked], sessions := m.sessions[s := Follow(m.sessions[s], asked)])
    case JoinStep(s, other) =>
      m.(sessions := m.sessions[s := Joined(m.sessions[s], m.sessions[other])])
    case SendStep(i, replica) =>
      var dot := NextToSend(m, i, replica);
      m.(links := m.links[i := Link(Set(m.links[i].sent, replica, dot.counter), m.links[i].flight + [Segment(m.nodes[i].log[dot])])])
    case PassStep(i) =>
      m.(links := m.links[i := m.links[i].(flight := m.links[i].flight + [Common(m.nodes[i].common)])])
    case ReceiveStep(l) =>
      var to := Successor(size, l);
      var node := m.nodes[to];
      var after := match m.links[l].flight[0]
        case Segment(write) => Receive(node, write, IsTail(size, to, write.dot.replica))
        case Common(common) => LearnCommon(node, common);
      m.(nodes := m.nodes[to := after], links := m.links[l := m.links[l].(flight := m.links[l].flight[1..])])
    // The connection is lost with what was on it; the next one goes on from what the receiver says that it has.
    case BreakStep(l) =>
      m.(links := m.links[l := Link(m.nodes[Successor(size, l)].received, [])])
    case ApplyStep(i) =>
      m.(nodes := m.nodes[i := Apply(m.nodes[i])])
  }

  predicate Next(m: Mesh, after: Mesh)
    requires IsMesh(m)
  {
    exists step :: Enabled(m, step) && after == Take(m, step)
  }
}
