// What goes over the links arrives in order and without a gap; and when nothing more is on its way and nobody has anything new to tell, every
// write is shown everywhere. Dafny does not prove that this moment comes; this says that there is nowhere else to come to rest.

include "induction.dfy"

module Quiet {
  import opened Vectors
  import opened Writes
  import opened Nodes
  import opened Sessions
  import opened Meshes
  import opened Histories
  import opened Invariants
  import opened NodeProof
  import opened Induction

  // Links.

  /** The writes of one replica in these messages continue one another, from one counter up to another. */
  predicate InOrder(flight: seq<Message>, replica: Replica, from: nat, upTo: nat)
    decreases |flight|
  {
    if flight == [] then from == upTo
    else if flight[0].Segment? && flight[0].write.dot.replica == replica
      then flight[0].write.dot.counter == from + 1 && InOrder(flight[1..], replica, from + 1, upTo)
      else InOrder(flight[1..], replica, from, upTo)
  }

  predicate LinkInOrder(m: Mesh, l: nat, replica: Replica)
    requires IsMesh(m) && l < |m.links|
  {
    && InOrder(m.links[l].flight, replica, At(m.nodes[Successor(|m.nodes|, l)].received, replica), At(m.links[l].sent, replica))
    && At(m.links[l].sent, replica) <= At(m.nodes[l].received, replica)
  }

  predicate FifoOk(m: Mesh)
    requires IsMesh(m)
  {
    forall l: nat, replica: nat | l < |m.links| && replica < |m.nodes| && !IsTail(|m.nodes|, l, replica) :: LinkInOrder(m, l, replica)
  }

  lemma Appended(flight: seq<Message>, replica: Replica, from: nat, upTo: nat, message: Message)
    requires InOrder(flight, replica, from, upTo)
    ensures message.Segment? && message.write.dot == Dot(replica, upTo + 1) ==> InOrder(flight + [message], replica, from, upTo + 1)
    ensures !(message.Segment? && message.write.dot.replica == replica) ==> InOrder(flight + [message], replica, from, upTo)
    decreases |flight|
  {
    if flight == [] {
      assert flight + [message] == [message];
    } else {
      assert (flight + [message])[1..] == flight[1..] + [message];
      var next := if flight[0].Segment? && flight[0].write.dot.replica == replica then from + 1 else from;
      Appended(flight[1..], replica, next, upTo, message);
    }
  }

  lemma FifoKeeps(m: Mesh, h: History, step: Step, l: nat, replica: nat)
    requires Inv(m, h) && Enabled(m, step)
    requires l < |m.links| && replica < |m.nodes| && !IsTail(|m.nodes|, l, replica)
    requires LinkInOrder(m, l, replica)
    ensures LinkInOrder(Take(m, step), l, replica)
  {
    var after := Take(m, step);
    var size := |m.nodes|;
    var to := Successor(size, l);
    var flight, sent := m.links[l].flight, At(m.links[l].sent, replica);
    var from := At(m.nodes[to].received, replica);
    if step.SendStep? && step.node == l {
      var dot := NextToSend(m, l, step.replica);
      assert NodeOk(size, l, m.nodes[l], h.made);
      assert m.nodes[l].log[dot].dot == dot;
      Appended(flight, replica, from, sent, Segment(m.nodes[l].log[dot]));
    } else if step.PassStep? && step.node == l {
      Appended(flight, replica, from, sent, Common(m.nodes[l].common, m.nodes[l].flushed));
    } else if step.BreakStep? && step.link == l {
      reveal RingOk();
      assert Distance(size, replica, l) <= Distance(size, replica, to);
    } else if step.ReceiveStep? {
      assert step.link != l ==> Successor(size, step.link) != to;
    }
  }

  lemma AlwaysInOrder(run: seq<State>, t: nat)
    requires IsRun(run) && t < |run|
    ensures FifoOk(run[t].mesh)
  {
    if t > 0 {
      Always(run, t - 1);
      AlwaysInOrder(run, t - 1);
      var before := run[t - 1];
      assert NextState(before, run[t - 1 + 1]);
      var step :| Enabled(before.mesh, step) && run[t] == State(Take(before.mesh, step), Record(before.mesh, before.history, step));
      forall l: nat, replica: nat | l < |before.mesh.links| && replica < |before.mesh.nodes| && !IsTail(|before.mesh.nodes|, l, replica)
        ensures LinkInOrder(Take(before.mesh, step), l, replica)
      {
        FifoKeeps(before.mesh, before.history, step, l, replica);
      }
    }
  }

  /** Whatever arrives continues what is there: there are neither gaps nor duplicates, also after a connection was lost. */
  lemma NoGaps(run: seq<State>, t: nat, l: nat)
    requires IsRun(run) && t < |run| && l < |run[t].mesh.links|
    requires run[t].mesh.links[l].flight != [] && run[t].mesh.links[l].flight[0].Segment?
    ensures var m := run[t].mesh; var dot := m.links[l].flight[0].write.dot;
      dot.counter == At(m.nodes[Successor(|m.nodes|, l)].received, dot.replica) + 1
  {
    Always(run, t);
    AlwaysInOrder(run, t);
    var m := run[t].mesh;
    var write := m.links[l].flight[0].write;
    assert OnLinkOk(m, run[t].history.made, l, write);
    assert LinkInOrder(m, l, write.dot.replica);
  }

  // Rest.

  /** Nothing is on its way, nobody has a write to send or something common to tell, and nobody can show more. */
  predicate IsQuiet(m: Mesh)
    requires IsMesh(m)
  {
    && (forall l | 0 <= l < |m.links| :: m.links[l].flight == [])
    && (forall l: nat, replica: nat | l < |m.links| && replica < |m.nodes| && !IsTail(|m.nodes|, l, replica) ::
        At(m.links[l].sent, replica) == At(m.nodes[l].received, replica))
    && (forall l: nat | l < |m.nodes| :: Within(m.nodes[l].common, m.nodes[Successor(|m.nodes|, l)].common))
    && (forall i | 0 <= i < |m.nodes| :: Within(Apply(m.nodes[i]).applied, m.nodes[i].applied))
  }

  function Predecessor(size: nat, i: nat): nat
    requires i < size
    ensures Predecessor(size, i) < size && Successor(size, Predecessor(size, i)) == i
  {
    if i > 0 then i - 1 else size - 1
  }

  lemma AllReceived(m: Mesh, replica: nat, i: nat)
    requires IsMesh(m) && FifoOk(m) && IsQuiet(m) && replica < |m.nodes| && i < |m.nodes|
    ensures At(m.nodes[i].received, replica) == At(m.nodes[replica].received, replica)
    decreases Distance(|m.nodes|, replica, i)
  {
    if i != replica {
      var before := Predecessor(|m.nodes|, i);
      AllReceived(m, replica, before);
      assert LinkInOrder(m, before, replica);
      assert m.links[before].flight == [];
    }
  }

  lemma CommonGoesRound(m: Mesh, i: nat, j: nat)
    requires IsMesh(m) && IsQuiet(m) && i < |m.nodes| && j < |m.nodes|
    ensures Within(m.nodes[i].common, m.nodes[j].common)
    decreases Distance(|m.nodes|, i, j)
  {
    if i != j {
      var before := Predecessor(|m.nodes|, j);
      CommonGoesRound(m, i, before);
      assert Within(m.nodes[before].common, m.nodes[Successor(|m.nodes|, before)].common);
    }
  }

  lemma AllCommon(m: Mesh, h: History, i: nat, dot: Dot)
    requires Inv(m, h) && FifoOk(m) && IsQuiet(m) && i < |m.nodes| && dot in h.made
    ensures Has(m.nodes[i].common, dot)
  {
    var replica := dot.replica;
    var tail := Predecessor(|m.nodes|, replica);
    assert Has(m.nodes[replica].received, dot);
    AllReceived(m, replica, tail);
    assert NodeOk(|m.nodes|, tail, m.nodes[tail], h.made);
    assert IsTail(|m.nodes|, tail, replica);
    CommonGoesRound(m, tail, i);
  }

  /** At rest every node shows every write that was ever made. */
  lemma EverythingIsShown(run: seq<State>, t: nat, i: nat, dot: Dot)
    requires IsRun(run) && t < |run| && i < |run[t].mesh.nodes|
    requires IsQuiet(run[t].mesh) && dot in run[t].history.made
    ensures Has(run[t].mesh.nodes[i].applied, dot)
  {
    var m, h := run[t].mesh, run[t].history;
    Always(run, t);
    AlwaysInOrder(run, t);
    var node, vector := m.nodes[i], h.made[dot].vector;
    assert NodeOk(|m.nodes|, i, node, h.made);
    forall replica: Replica
      ensures At(vector, replica) <= At(node.common, replica)
    {
      var newest := Dot(replica, At(vector, replica));
      if Has(vector, newest) {
        assert Closed(h.made, vector);
        AllCommon(m, h, i, newest);
      }
    }
    ReachIsWide(|m.nodes|, i, node, h.made, dot, dot.replica);
    AllCommon(m, h, i, dot);
    AppliedReaches(node, dot.replica);
    assert At(Apply(node).applied, dot.replica) <= At(node.applied, dot.replica);
  }

  lemma AppliedReaches(node: Node, replica: Replica)
    requires replica < |node.common|
    ensures Reach(node, replica, At(node.applied, replica)) <= At(Apply(node).applied, replica)
  {
    assert At(Reaches(node, |node.common|), replica) == Reach(node, replica, At(node.applied, replica));
  }
}
