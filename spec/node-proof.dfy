// What a node does keeps its own part of the invariants: I2, I4, its part of I1, and its clock.

include "showing.dfy"

module NodeProof {
  import opened Vectors
  import opened Writes
  import opened Nodes
  import opened Sessions
  import opened Meshes
  import opened Histories
  import opened Invariants
  import opened Showing

  lemma ClosedJoin(made: Made, a: Vector, b: Vector)
    requires Closed(made, a) && Closed(made, b)
    ensures Closed(made, Join(a, b))
  {
    forall dot | Has(Join(a, b), dot)
      ensures dot in made && Within(made[dot].vector, Join(a, b))
    {
      assert Has(a, dot) || Has(b, dot);
    }
  }

  /** More writes have been made. */
  predicate Later(made: Made, later: Made) {
    forall dot | dot in made :: dot in later && later[dot] == made[dot]
  }

  lemma ClosedLater(made: Made, later: Made, v: Vector)
    requires Later(made, later) && Closed(made, v)
    ensures Closed(later, v)
  {
  }

  lemma NodeLater(size: nat, i: nat, node: Node, made: Made, later: Made)
    requires Later(made, later)
    requires NodeOk(size, i, node, made)
    ensures NodeOk(size, i, node, later)
  {
    ShowsLater(made, later, Below(node.applied), node.cache);
  }

  lemma ReceiveOk(size: nat, i: nat, node: Node, made: Made, write: Write)
    requires NodeOk(size, i, node, made)
    requires write.dot in made && made[write.dot] == write && write.dot.replica != i
    ensures NodeOk(size, i, Receive(node, write, IsTail(size, i, write.dot.replica)), made)
  {
    var after := Receive(node, write, IsTail(size, i, write.dot.replica));
    if after != node {
      assert LogOk(made, after) by {
        forall dot | Has(after.received, dot)
          ensures dot in after.log && dot in made && after.log[dot] == made[dot]
        {
          assert dot == write.dot || Has(node.received, dot);
        }
      }
      forall dot | Has(after.received, dot)
        ensures dot in made && made[dot].time <= after.clock
      {
        assert dot == write.dot || Has(node.received, dot);
      }
    }
  }

  lemma LearnCommonOk(size: nat, i: nat, node: Node, made: Made, common: Vector, flushed: Vector)
    requires NodeOk(size, i, node, made)
    requires Within(common, node.received)
    ensures NodeOk(size, i, LearnCommon(node, common, flushed), made)
  {
  }

  lemma LearnOk(size: nat, i: nat, node: Node, made: Made, visible: Vector, written: Vector, time: nat)
    requires NodeOk(size, i, node, made) && MadeOk(size, made)
    requires Closed(made, visible) && HasAll(node, visible)
    requires Closed(made, written) && UpTo(made, written, time) && At(written, i) <= At(node.received, i)
    ensures NodeOk(size, i, Learn(node, visible, written, time), made)
  {
    var after := Learn(node, visible, written, time);
    ClosedJoin(made, node.applied, visible);
    ClosedJoin(made, node.issued, written);
    ShowShows(made, node.cache, node.log, node.applied, after.applied);
    forall dot | Has(after.issued, dot)
      ensures dot in made && made[dot].time <= after.clock
    {
      assert Has(node.issued, dot) || Has(written, dot);
    }
  }

  lemma ReachIsCommon(node: Node, replica: Replica, from: nat)
    ensures var reach := Reach(node, replica, from);
      && from <= reach <= Max(from, At(node.common, replica))
      && (forall counter | from < counter <= reach :: Dot(replica, counter) in node.log && Within(node.log[Dot(replica, counter)].vector, node.common))
      && (reach < At(node.common, replica) ==> var next := Dot(replica, reach + 1); next in node.log ==> !Within(node.log[next].vector, node.common))
    decreases At(node.common, replica) - from
  {
    var next := Dot(replica, from + 1);
    if from < At(node.common, replica) && next in node.log && Within(node.log[next].vector, node.common) {
      ReachIsCommon(node, replica, from + 1);
    }
  }

  lemma ApplyOk(size: nat, i: nat, node: Node, made: Made)
    requires NodeOk(size, i, node, made) && MadeOk(size, made)
    ensures NodeOk(size, i, Apply(node), made)
  {
    var after := Apply(node);
    forall replica: Replica
      ensures At(after.applied, replica) == Max(At(node.applied, replica), Reach(node, replica, At(node.applied, replica)))
      ensures At(node.applied, replica) <= At(after.applied, replica) <= At(node.common, replica)
    {
      ReachIsCommon(node, replica, At(node.applied, replica));
    }
    forall dot | Has(after.applied, dot)
      ensures dot in made && Within(made[dot].vector, after.applied)
    {
      assert Has(node.received, dot);
      if !Has(node.applied, dot) {
        ReachIsCommon(node, dot.replica, At(node.applied, dot.replica));
        assert Dot(dot.replica, dot.counter) == dot;
        assert Within(made[dot].vector, node.common);
        forall replica: Replica
          ensures At(made[dot].vector, replica) <= At(after.applied, replica)
        {
          ReachIsWide(size, i, node, made, dot, replica);
        }
      }
    }
    ShowShows(made, node.cache, node.log, node.applied, after.applied);
  }

  /** What a write with a common vector follows can be shown with it. */
  lemma ReachIsWide(size: nat, i: nat, node: Node, made: Made, dot: Dot, replica: Replica)
    requires NodeOk(size, i, node, made) && MadeOk(size, made)
    requires dot in made && Within(made[dot].vector, node.common)
    ensures At(made[dot].vector, replica) <= Reach(node, replica, At(node.applied, replica))
  {
    var from := At(node.applied, replica);
    ReachIsCommon(node, replica, from);
    var reach := Reach(node, replica, from);
    if reach < At(made[dot].vector, replica) {
      var next := Dot(replica, reach + 1);
      assert Has(made[dot].vector, next);
      assert Closed(made, made[dot].vector);
      assert Has(node.received, next);
      assert Within(made[next].vector, node.common);
    }
  }

  lemma MakeOk(size: nat, i: nat, node: Node, made: Made, changes: map<Key, Value>, time: nat)
    requires NodeOk(size, i, node, made) && MadeOk(size, made) && i < size
    requires time > node.clock
    requires Dot(i, At(node.received, i) + 1) !in made
    ensures var write := NextWrite(node, i, changes, time);
      && write.dot !in made
      && MadeOk(size, made[write.dot := write])
      && NodeOk(size, i, Make(node, write, IsTail(size, i, i)), made[write.dot := write])
  {
    var write := NextWrite(node, i, changes, time);
    var later := made[write.dot := write];
    var after := Make(node, write, IsTail(size, i, i));
    ClosedJoin(made, node.issued, node.applied);
    assert Closed(later, write.vector) by {
      forall dot | Has(write.vector, dot)
        ensures dot in later && Within(later[dot].vector, write.vector)
      {
        assert dot == write.dot || Has(Join(node.issued, node.applied), dot);
      }
    }
    NodeLater(size, i, node, made, later);
    assert LogOk(later, after) by {
      forall dot | Has(after.received, dot)
        ensures dot in after.log && dot in later && after.log[dot] == later[dot]
      {
        assert dot == write.dot || Has(node.received, dot);
      }
    }
    forall dot | Has(after.received, dot) || Has(after.issued, dot)
      ensures dot in later && later[dot].time <= after.clock
    {
      assert dot == write.dot || Has(node.received, dot) || Has(node.issued, dot) || Has(node.applied, dot);
    }
    forall dot | dot in later
      ensures Closed(later, later[dot].vector)
    {
      if dot != write.dot {
        ClosedLater(made, later, made[dot].vector);
      }
    }
  }
}
