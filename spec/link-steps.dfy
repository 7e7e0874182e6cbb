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

  // Steps of links.

  lemma SendOk(m: Mesh, h: History, step: Step)
    requires Inv(m, h) && Enabled(m, step) && step.SendStep?
    ensures Inv(Take(m, step), Record(m, h, step))
  {
    var after := Take(m, step);
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
    EverywhereGrows(m, after, m.nodes[i].common);
    CommonsStay(m, h, after, i);
    LinksStay(m, h, after, h.made, i);
    VisibleStays(m, h, after);
  }

  lemma ReceiveStepOk(m: Mesh, h: History, step: Step)
    requires Inv(m, h) && Enabled(m, step) && step.ReceiveStep?
    ensures Inv(Take(m, step), Record(m, h, step))
  {
    var after := Take(m, step);
    var size := |m.nodes|;
    var l := step.link;
    var to := Successor(size, l);
    var message := m.links[l].flight[0];
    if message.Segment? {
      assert NodeOk(size, l, m.nodes[l], h.made);
      ReceiveOk(size, to, m.nodes[to], h.made, message.write);
      OnlyNodeGrows(m, after, to);
      RingTurns(m, h, after, l, message.write);
    } else {
      assert Everywhere(m, message.common);
      LearnCommonOk(size, to, m.nodes[to], h.made, message.common);
      OnlyNodeGrows(m, after, to);
      EverywhereGrows(m, after, message.common);
      EverywhereGrows(m, after, m.nodes[to].common);
      assert Everywhere(after, after.nodes[to].common);
    }
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
    var size := |m.nodes|;
    var to := Successor(size, l);
    var replica := write.dot.replica;
    EverywhereGrows(m, after, m.nodes[to].common);
    assert Distance(size, replica, to) == Distance(size, replica, l) + 1;
    forall near | 0 <= near < size && Distance(size, replica, near) <= Distance(size, replica, to)
      ensures At(after.nodes[to].received, replica) <= At(after.nodes[near].received, replica)
    {
      if near != to {
        assert Distance(size, replica, near) <= Distance(size, replica, l);
      }
    }
    if IsTail(size, to, replica) {
      forall i | 0 <= i < size
        ensures Within(after.nodes[to].common, after.nodes[i].received)
      {
        assert Distance(size, replica, i) <= Distance(size, replica, to);
      }
    }
  }
}
