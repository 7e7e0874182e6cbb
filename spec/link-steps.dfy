// The steps of links and nodes keep the invariants, and with them I1: what is common has been received everywhere.

include "session-proof.dfy"

module LinkSteps {
  import opened Vectors
  import opened Writes
  import opened Nodes
  import opened Sessions
  import opened Meshes
  import opened Histories
  import opened Invariants
  import opened NodeProof
  import opened SessionProof

  /** What every member had received, it has received after any step. */
  predicate Grows(m: Mesh, after: Mesh) {
    |after.nodes| == |m.nodes| && forall i | 0 <= i < |m.nodes| :: Within(m.nodes[i].received, after.nodes[i].received)
  }

  lemma EverywhereGrows(m: Mesh, after: Mesh, v: Vector)
    requires Grows(m, after) && Everywhere(m, v)
    ensures Everywhere(after, v)
  {
    forall i | 0 <= i < |after.nodes|
      ensures Within(v, after.nodes[i].received)
    {
      assert Within(m.nodes[i].received, after.nodes[i].received);
    }
  }

  lemma RingStays(m: Mesh, after: Mesh)
    requires RingOk(m) && |after.nodes| == |m.nodes|
    requires forall i | 0 <= i < |m.nodes| :: after.nodes[i].received == m.nodes[i].received
    ensures RingOk(after)
  {
    reveal RingOk();
  }

  // Steps of links.

  lemma SendOk(m: Mesh, h: History, step: Step)
    requires Inv(m, h) && Enabled(m, step) && step.SendStep?
    ensures Inv(Take(m, step), Record(m, h, step))
  {
    var after := Take(m, step);
    RingStays(m, after);
    assert NodeOk(|m.nodes|, step.node, m.nodes[step.node], h.made);
    forall l, x | 0 <= l < |after.links| && 0 <= x < |after.links[l].flight| && after.links[l].flight[x].Common?
      ensures Everywhere(after, after.links[l].flight[x].common)
    {
      assert m.links[l].flight[x] == after.links[l].flight[x];
      EverywhereGrows(m, after, m.links[l].flight[x].common);
    }
  }

  lemma PassOk(m: Mesh, h: History, step: Step)
    requires Inv(m, h) && Enabled(m, step) && step.PassStep?
    ensures Inv(Take(m, step), Record(m, h, step))
  {
    var after := Take(m, step);
    RingStays(m, after);
    forall l, x | 0 <= l < |after.links| && 0 <= x < |after.links[l].flight| && after.links[l].flight[x].Common?
      ensures Everywhere(after, after.links[l].flight[x].common)
    {
      if x < |m.links[l].flight| {
        assert m.links[l].flight[x] == after.links[l].flight[x];
        EverywhereGrows(m, after, m.links[l].flight[x].common);
      } else {
        EverywhereGrows(m, after, m.nodes[l].common);
      }
    }
  }

  lemma BreakOk(m: Mesh, h: History, step: Step)
    requires Inv(m, h) && Enabled(m, step) && step.BreakStep?
    ensures Inv(Take(m, step), Record(m, h, step))
  {
    var after := Take(m, step);
    RingStays(m, after);
    forall l, x | 0 <= l < |after.links| && 0 <= x < |after.links[l].flight| && after.links[l].flight[x].Common?
      ensures Everywhere(after, after.links[l].flight[x].common)
    {
      EverywhereGrows(m, after, m.links[l].flight[x].common);
    }
  }

  // Steps of nodes.

  /** What follows for the rest of the mesh when one node has changed, and its link perhaps lost its first message. */
  predicate OnlyNode(m: Mesh, after: Mesh, i: nat)
    requires IsMesh(m) && IsMesh(after)
  {
    && |after.nodes| == |m.nodes|
    && i < |m.nodes|
    && after.nodes == m.nodes[i := after.nodes[i]]
    && Within(m.nodes[i].received, after.nodes[i].received)
    && forall l | 0 <= l < |m.links| :: after.links[l].flight == m.links[l].flight || (m.links[l].flight != [] && after.links[l].flight == m.links[l].flight[1..])
  }

  lemma OnlyNodeGrows(m: Mesh, after: Mesh, i: nat)
    requires IsMesh(m) && IsMesh(after) && OnlyNode(m, after, i)
    ensures Grows(m, after)
  {
  }

  lemma LinksStay(m: Mesh, h: History, after: Mesh, later: Made, i: nat)
    requires Inv(m, h) && IsMesh(after) && OnlyNode(m, after, i) && Later(h.made, later)
    ensures LinksOk(after, later)
    ensures forall l, x | 0 <= l < |after.links| && 0 <= x < |after.links[l].flight| && after.links[l].flight[x].Common? :: Everywhere(after, after.links[l].flight[x].common)
  {
    OnlyNodeGrows(m, after, i);
    forall l, x | 0 <= l < |after.links| && 0 <= x < |after.links[l].flight|
      ensures exists y :: 0 <= y < |m.links[l].flight| && after.links[l].flight[x] == m.links[l].flight[y]
    {
      if after.links[l].flight == m.links[l].flight {
        assert after.links[l].flight[x] == m.links[l].flight[x];
      } else {
        assert after.links[l].flight[x] == m.links[l].flight[x + 1];
      }
    }
    forall l, x | 0 <= l < |after.links| && 0 <= x < |after.links[l].flight| && after.links[l].flight[x].Common?
      ensures Everywhere(after, after.links[l].flight[x].common)
    {
      var y :| 0 <= y < |m.links[l].flight| && after.links[l].flight[x] == m.links[l].flight[y];
      EverywhereGrows(m, after, m.links[l].flight[y].common);
    }
    forall l, x | 0 <= l < |after.links| && 0 <= x < |after.links[l].flight| && after.links[l].flight[x].Segment?
      ensures OnLinkOk(after, later, l, after.links[l].flight[x].write)
    {
      var y :| 0 <= y < |m.links[l].flight| && after.links[l].flight[x] == m.links[l].flight[y];
      assert Within(m.nodes[l].received, after.nodes[l].received);
    }
  }

  lemma CommonsStay(m: Mesh, h: History, after: Mesh, i: nat)
    requires Inv(m, h) && IsMesh(after) && OnlyNode(m, after, i) && Everywhere(after, after.nodes[i].common)
    ensures forall j | 0 <= j < |after.nodes| :: Everywhere(after, after.nodes[j].common)
  {
    OnlyNodeGrows(m, after, i);
    forall j | 0 <= j < |after.nodes|
      ensures Everywhere(after, after.nodes[j].common)
    {
      if j != i {
        EverywhereGrows(m, after, m.nodes[j].common);
      }
    }
  }

  lemma VisibleStays(m: Mesh, h: History, after: Mesh)
    requires Inv(m, h) && Grows(m, after) && after.sessions == m.sessions
    ensures VisibleOk(after)
  {
    forall s | 0 <= s < |after.sessions|
      ensures Everywhere(after, after.sessions[s].visible)
    {
      EverywhereGrows(m, after, m.sessions[s].visible);
    }
  }

  lemma ApplyStepOk(m: Mesh, h: History, step: Step)
    requires Inv(m, h) && Enabled(m, step) && step.ApplyStep?
    ensures Inv(Take(m, step), Record(m, h, step))
  {
    var after := Take(m, step);
    var i := step.node;
    ApplyOk(|m.nodes|, i, m.nodes[i], h.made);
    OnlyNodeGrows(m, after, i);
    RingStays(m, after);
    EverywhereGrows(m, after, m.nodes[i].common);
    CommonsStay(m, h, after, i);
    LinksStay(m, h, after, h.made, i);
    VisibleStays(m, h, after);
  }

  /** What goes to the store and comes back from it changes nothing that sessions see. */
  lemma StoreStepOk(m: Mesh, h: History, step: Step)
    requires Inv(m, h) && Enabled(m, step) && (step.CollectStep? || step.FlushStep? || step.StoredStep?)
    ensures Inv(Take(m, step), Record(m, h, step))
  {
    var after := Take(m, step);
    var i := step.node;
    assert NodeOk(|m.nodes|, i, m.nodes[i], h.made);
    assert NodeOk(|m.nodes|, i, after.nodes[i], h.made);
    OnlyNodeGrows(m, after, i);
    RingStays(m, after);
    EverywhereGrows(m, after, m.nodes[i].common);
    CommonsStay(m, h, after, i);
    LinksStay(m, h, after, h.made, i);
    VisibleStays(m, h, after);
  }

  lemma ReceiveSegmentOk(m: Mesh, h: History, step: Step)
    requires Inv(m, h) && Enabled(m, step) && step.ReceiveStep? && m.links[step.link].flight[0].Segment?
    ensures Inv(Take(m, step), Record(m, h, step))
  {
    var after := Take(m, step);
    var l := step.link;
    var to := Successor(|m.nodes|, l);
    var write := m.links[l].flight[0].write;
    assert OnLinkOk(m, h.made, l, write);
    ReceiveOk(|m.nodes|, to, m.nodes[to], h.made, write);
    OnlyNodeGrows(m, after, to);
    RingTurns(m, h, after, l, write);
    CommonsStay(m, h, after, to);
    LinksStay(m, h, after, h.made, to);
    VisibleStays(m, h, after);
  }

  lemma ReceiveCommonOk(m: Mesh, h: History, step: Step)
    requires Inv(m, h) && Enabled(m, step) && step.ReceiveStep? && m.links[step.link].flight[0].Common?
    ensures Inv(Take(m, step), Record(m, h, step))
  {
    var after := Take(m, step);
    var l := step.link;
    var to := Successor(|m.nodes|, l);
    var Common(common, flushed) := m.links[l].flight[0];
    assert Everywhere(m, common);
    LearnCommonOk(|m.nodes|, to, m.nodes[to], h.made, common, flushed);
    OnlyNodeGrows(m, after, to);
    RingStays(m, after);
    EverywhereGrows(m, after, common);
    EverywhereGrows(m, after, m.nodes[to].common);
    assert Everywhere(after, after.nodes[to].common);
    CommonsStay(m, h, after, to);
    LinksStay(m, h, after, h.made, to);
    VisibleStays(m, h, after);
  }

  /** The heart of the ring: who comes later has less, so what the tail gets is everywhere. */
  lemma RingTurns(m: Mesh, h: History, after: Mesh, l: nat, write: Write)
    requires Inv(m, h) && IsMesh(after) && l < |m.nodes|
    requires write.dot in h.made && Has(m.nodes[l].received, write.dot) && !IsTail(|m.nodes|, l, write.dot.replica)
    requires var to := Successor(|m.nodes|, l);
      after.nodes == m.nodes[to := Receive(m.nodes[to], write, IsTail(|m.nodes|, to, write.dot.replica))]
    requires Grows(m, after)
    ensures RingOk(after)
    ensures Everywhere(after, after.nodes[Successor(|m.nodes|, l)].common)
  {
    var to := Successor(|m.nodes|, l);
    RingGoesOn(m, after, l, write);
    EverywhereGrows(m, after, m.nodes[to].common);
    var replica := write.dot.replica;
    var before, now := m.nodes[to].common, after.nodes[to].common;
    if now != before {
      TailKnows(after, to, replica);
      forall i | 0 <= i < |after.nodes|
        ensures Within(now, after.nodes[i].received)
      {
        assert Within(before, after.nodes[i].received);
        assert At(now, replica) == At(after.nodes[to].received, replica);
        assert forall other: Replica | other != replica :: At(now, other) == At(before, other);
      }
    }
  }

  lemma RingGoesOn(m: Mesh, after: Mesh, l: nat, write: Write)
    requires RingOk(m) && IsMesh(m) && IsMesh(after) && l < |m.nodes|
    requires write.dot.replica < |m.nodes|
    requires Has(m.nodes[l].received, write.dot) && !IsTail(|m.nodes|, l, write.dot.replica)
    requires var to := Successor(|m.nodes|, l);
      after.nodes == m.nodes[to := Receive(m.nodes[to], write, IsTail(|m.nodes|, to, write.dot.replica))]
    ensures RingOk(after)
  {
    reveal RingOk();
    var size := |m.nodes|;
    var to := Successor(size, l);
    var replica := write.dot.replica;
    assert Distance(size, replica, to) == Distance(size, replica, l) + 1;
    forall near | 0 <= near < size && Distance(size, replica, near) <= Distance(size, replica, to)
      ensures At(after.nodes[to].received, replica) <= At(after.nodes[near].received, replica)
    {
      if near != to {
        assert Distance(size, replica, near) <= Distance(size, replica, l);
      }
    }
  }

  /** The tail is the farthest of all, so what it has of its replica everyone has. */
  lemma TailKnows(m: Mesh, tail: nat, replica: Replica)
    requires RingOk(m) && tail < |m.nodes| && replica < |m.nodes| && IsTail(|m.nodes|, tail, replica)
    ensures forall i | 0 <= i < |m.nodes| :: At(m.nodes[tail].received, replica) <= At(m.nodes[i].received, replica)
  {
    reveal RingOk();
    forall i | 0 <= i < |m.nodes|
      ensures At(m.nodes[tail].received, replica) <= At(m.nodes[i].received, replica)
    {
      assert Distance(|m.nodes|, replica, i) <= Distance(|m.nodes|, replica, tail);
    }
  }
}
