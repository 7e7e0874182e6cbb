// One node: its state (design section 3) and what it does by itself (section 4). packages/core/src/protocol/node.ts is this in TypeScript.
//
// The log of the model is never pruned, and it holds the pending writes too: those that are received and not applied.

include "writes.dfy"

module Nodes {
  import opened Vectors
  import opened Writes

  /** What goes to the store in one transaction: the winners among the writes between two vectors, and the greater one. */
  datatype Batch = Batch(above: Vector, upTo: Vector, rows: Cache)

  datatype Node = Node(
    log: Log,
    received: Vector,
    common: Vector,
    applied: Vector,
    flushed: Vector,
    issued: Vector,
    cache: Cache,
    batch: Option<Batch>,
    clock: nat)

  function method NewNode(): Node {
    Node(map[], [], [], [], [], [], map[], None, 0)
  }

  /** Takes a write into the log. The tail of its replica is the last to get it, and alone knows that everyone has it. */
  function method Append(node: Node, write: Write, isTail: bool): Node {
    var Dot(replica, counter) := write.dot;
    node.(
      log := node.log[write.dot := write],
      received := Set(node.received, replica, counter),
      common := if isTail then Set(node.common, replica, counter) else node.common)
  }

  /** Takes a write from the predecessor. What is known already is dropped, and so is what would leave a gap. */
  function method Receive(node: Node, write: Write, isTail: bool): Node {
    if write.dot.counter != At(node.received, write.dot.replica) + 1 then node
    else Append(node.(clock := Max(node.clock, write.time)), write, isTail)
  }

  function method LearnCommon(node: Node, common: Vector, flushed: Vector): Node {
    node.(common := Join(node.common, common), flushed := Join(node.flushed, flushed))
  }

  /** Up to where the writes of one replica can be shown: as long as their whole vector is common. */
  function method Reach(node: Node, replica: Replica, from: nat): nat
    decreases At(node.common, replica) - from
  {
    var next := Dot(replica, from + 1);
    if from < At(node.common, replica) && next in node.log && Within(node.log[next].vector, node.common)
    then Reach(node, replica, from + 1)
    else from
  }

  function method Reaches(node: Node, replicas: nat): Vector
    ensures |Reaches(node, replicas)| == replicas
    ensures forall replica | 0 <= replica < replicas :: Reaches(node, replicas)[replica] == Reach(node, replica, At(node.applied, replica))
  {
    if replicas == 0 then [] else Reaches(node, replicas - 1) + [Reach(node, replicas - 1, At(node.applied, replicas - 1))]
  }

  /** Shows everything that can be shown. */
  function method Apply(node: Node): Node {
    ShowUpTo(node, Join(node.applied, Reaches(node, |node.common|)))
  }

  function method ShowUpTo(node: Node, wanted: Vector): Node {
    node.(applied := wanted, cache := Show(node.cache, node.log, node.applied, wanted))
  }

  /** Whether the node has what a session has seen; otherwise it is behind, and answers NODE_BEHIND. */
  predicate method HasAll(node: Node, visible: Vector) {
    Within(visible, node.received)
  }

  /** Shows all that a session has seen, and knows all that its writes depend on. */
  function method Learn(node: Node, visible: Vector, written: Vector, time: nat): Node {
    ShowUpTo(node, Join(node.applied, visible)).(
      common := Join(node.common, visible),
      issued := Join(node.issued, written),
      clock := Max(node.clock, time))
  }

  /** Collects for the store what is shown here and not known to be there. */
  function method Collect(node: Node): Node {
    node.(batch := Some(Batch(node.flushed, node.applied, Show(map[], node.log, node.flushed, node.applied))))
  }

  /** The next write of this node: it follows all that is shown and all that was written here. */
  function method NextWrite(node: Node, self: Replica, changes: map<Key, Value>, time: nat): Write {
    var counter := At(node.received, self) + 1;
    Write(Dot(self, counter), Set(Join(node.issued, node.applied), self, counter), time, changes)
  }

  function method Make(node: Node, write: Write, isTail: bool): Node {
    Append(node, write, isTail).(issued := write.vector, clock := write.time)
  }
}
