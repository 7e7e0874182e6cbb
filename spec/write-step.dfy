// A write keeps the invariants: its vector holds all that its session has seen, and its timestamp is later than all of that.

include "session-steps.dfy"

module WriteSteps {
  import opened Vectors
  import opened Writes
  import opened Nodes
  import opened Sessions
  import opened Meshes
  import opened Histories
  import opened Invariants
  import opened Showing
  import opened NodeProof
  import opened SessionProof
  import opened LinkSteps
  import opened SessionSteps

  /** The new write, among those that were made before. */
  lemma MadeOne(m: Mesh, h: History, step: Step)
    requires Inv(m, h) && Enabled(m, step) && step.WriteStep?
    ensures var write := WriteOf(m, step);
      && write.dot !in h.made
      && MadeOk(|m.nodes|, Record(m, h, step).made)
      && NodeOk(|m.nodes|, step.node, Take(m, step).nodes[step.node], Record(m, h, step).made)
      && TimesOk(Record(m, h, step).made)
      && UpTo(Record(m, h, step).made, write.vector, write.time)
  {
    var WriteStep(i, s, changes, time) := step;
    var asked := Asked(m, i, s);
    var write := WriteOf(m, step);
    var later := h.made[write.dot := write];
    AskedOk(m, h, i, s);
    MakeOk(|m.nodes|, i, asked, h.made, changes, time);
    forall dot | Has(write.vector, dot) && dot != write.dot
      ensures dot in h.made && h.made[dot].time < time
    {
      assert Has(asked.issued, dot) || Has(asked.applied, dot);
      assert Has(asked.applied, dot) ==> Has(asked.received, dot);
    }
    forall dot, earlier | dot in later && earlier in later && Has(later[dot].vector, earlier) && earlier != dot
      ensures later[earlier].time < later[dot].time
    {
      if dot != write.dot {
        assert Closed(h.made, h.made[dot].vector);
      }
    }
  }

  /** What the session had seen is within the vector of its new write. */
  lemma VectorHoldsPast(m: Mesh, h: History, step: Step)
    requires Inv(m, h) && Enabled(m, step) && step.WriteStep?
    ensures h.seen[step.session] <= Below(WriteOf(m, step).vector)
  {
    var WriteStep(i, s, changes, time) := step;
    var asked := Asked(m, i, s);
    var session := m.sessions[s];
    AskedOk(m, h, i, s);
    assert SessionOk(session, h.seen[s], h);
    forall dot | dot in h.seen[s]
      ensures Has(WriteOf(m, step).vector, dot)
    {
      assert dot in h.past;
      if Has(session.visible, dot) {
        assert Has(asked.applied, dot);
        assert Has(asked.received, dot);
      } else {
        assert IsAmong(dot, session.own);
        var one :| one in session.own && one.dot == dot;
        assert Has(one.vector, dot);
        assert Has(session.written, dot);
        assert Has(asked.issued, dot);
      }
    }
  }

  lemma PastLater(m: Mesh, h: History, step: Step)
    requires Inv(m, h) && Enabled(m, step) && step.WriteStep?
    ensures LaterHistory(h, Record(m, h, step))
    ensures PastOk(Record(m, h, step))
  {
    MadeOne(m, h, step);
    VectorHoldsPast(m, h, step);
    var later := Record(m, h, step);
    var write := WriteOf(m, step);
    var seen := h.seen[step.session];
    assert SessionOk(m.sessions[step.session], seen, h);
    assert later.past[write.dot] == seen + iset{write.dot};
    assert Has(write.vector, write.dot);
    forall dot | dot in later.made
      ensures dot in later.past && dot in later.past[dot] && later.past[dot] <= Below(later.made[dot].vector)
      ensures forall earlier | earlier in later.past[dot] :: earlier in later.past && later.past[earlier] <= later.past[dot]
    {
      if dot == write.dot {
        forall earlier | earlier in later.past[dot]
          ensures earlier in later.past && later.past[earlier] <= later.past[dot]
        {
          if earlier != dot {
            assert earlier in h.past && h.past[earlier] <= seen;
          }
        }
      } else {
        assert later.past[dot] == h.past[dot];
        forall earlier | earlier in later.past[dot]
          ensures earlier in later.past && later.past[earlier] <= later.past[dot]
        {
          assert earlier in h.past && earlier != write.dot;
        }
      }
    }
  }

  lemma WriteSessionsOk(m: Mesh, h: History, step: Step)
    requires Inv(m, h) && Enabled(m, step) && step.WriteStep?
    ensures SessionsOk(Take(m, step), Record(m, h, step))
  {
    var WriteStep(i, s, changes, time) := step;
    var after := Take(m, step);
    var later := Record(m, h, step);
    var write := WriteOf(m, step);
    var asked := Asked(m, i, s);
    MadeOne(m, h, step);
    PastLater(m, h, step);
    AskedOk(m, h, i, s);
    forall t | 0 <= t < |after.sessions|
      ensures SessionOk(after.sessions[t], later.seen[t], later)
    {
      SessionLater(m.sessions[t], h.seen[t], h, later);
      if t == s {
        WroteOk(m.sessions[s], h.seen[s], later, write);
        ClosedLater(h.made, later.made, asked.applied);
        FollowOk(Wrote(m.sessions[s], write), later.seen[s], later, asked);
      }
    }
  }

  lemma WriteNodesOk(m: Mesh, h: History, step: Step)
    requires Inv(m, h) && Enabled(m, step) && step.WriteStep?
    ensures NodesOk(Take(m, step), Record(m, h, step).made)
    ensures OwnersOk(Take(m, step), Record(m, h, step).made)
    ensures RingOk(Take(m, step))
  {
    var after := Take(m, step);
    var later := Record(m, h, step);
    var write := WriteOf(m, step);
    reveal RingOk();
    MadeOne(m, h, step);
    PastLater(m, h, step);
    forall j | 0 <= j < |after.nodes|
      ensures NodeOk(|after.nodes|, j, after.nodes[j], later.made)
    {
      if j != step.node {
        NodeLater(|m.nodes|, j, m.nodes[j], h.made, later.made);
      }
    }
    forall dot | dot in later.made
      ensures dot.replica < |after.nodes| && Has(after.nodes[dot.replica].received, dot)
    {
      if dot != write.dot {
        assert Has(m.nodes[dot.replica].received, dot);
      }
    }
  }

  lemma WriteStepOk(m: Mesh, h: History, step: Step)
    requires Inv(m, h) && Enabled(m, step) && step.WriteStep?
    ensures Inv(Take(m, step), Record(m, h, step))
  {
    var WriteStep(i, s, changes, time) := step;
    var after := Take(m, step);
    var later := Record(m, h, step);
    var asked := Asked(m, i, s);
    AskedOk(m, h, i, s);
    MadeOne(m, h, step);
    PastLater(m, h, step);
    WriteNodesOk(m, h, step);
    WriteSessionsOk(m, h, step);
    OnlyNodeGrows(m, after, i);
    EverywhereGrows(m, after, asked.common);
    EverywhereGrows(m, after, asked.applied);
    CommonsStay(m, h, after, i);
    LinksStay(m, h, after, later.made, i);
    VisibleFollows(m, h, after, s, asked.applied);
  }
}
