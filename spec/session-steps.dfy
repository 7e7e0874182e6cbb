// Reads, and sessions that join, keep the invariants, and with them I3: what a session has seen has been received everywhere.

include "link-steps.dfy"

module SessionSteps {
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

  /** Whatever a session asks, the node learns what it knows first. */
  lemma AskedOk(m: Mesh, h: History, i: nat, s: nat)
    requires Inv(m, h) && i < |m.nodes| && s < |m.sessions|
    ensures HasAll(m.nodes[i], m.sessions[s].visible)
    ensures NodeOk(|m.nodes|, i, Asked(m, i, s), h.made)
    ensures Everywhere(m, Asked(m, i, s).common) && Everywhere(m, Asked(m, i, s).applied)
  {
    var Session(visible, own, written, time) := m.sessions[s];
    assert Everywhere(m, visible);
    assert SessionOk(m.sessions[s], h.seen[s], h);
    var newest := Dot(i, At(written, i));
    if Has(written, newest) {
      assert Has(m.nodes[i].received, newest);
    }
    assert NodeOk(|m.nodes|, i, m.nodes[i], h.made);
    LearnOk(|m.nodes|, i, m.nodes[i], h.made, visible, written, time);
    assert Everywhere(m, m.nodes[i].common);
    forall j | 0 <= j < |m.nodes|
      ensures Within(Asked(m, i, s).common, m.nodes[j].received)
    {
      assert Within(visible, m.nodes[j].received) && Within(m.nodes[i].common, m.nodes[j].received);
    }
  }

  lemma VisibleFollows(m: Mesh, h: History, after: Mesh, s: nat, v: Vector)
    requires Inv(m, h) && Grows(m, after) && s < |m.sessions| && |after.sessions| == |m.sessions|
    requires forall t | 0 <= t < |m.sessions| && t != s :: after.sessions[t] == m.sessions[t]
    requires Everywhere(m, v) && after.sessions[s].visible == Join(m.sessions[s].visible, v)
    ensures VisibleOk(after)
  {
    forall t | 0 <= t < |after.sessions|
      ensures Everywhere(after, after.sessions[t].visible)
    {
      EverywhereGrows(m, after, m.sessions[t].visible);
      EverywhereGrows(m, after, v);
      if t == s {
        assert Everywhere(after, Join(m.sessions[s].visible, v));
      }
    }
  }

  lemma JoinStepOk(m: Mesh, h: History, step: Step)
    requires Inv(m, h) && Enabled(m, step) && step.JoinStep?
    ensures Inv(Take(m, step), Record(m, h, step))
  {
    var after := Take(m, step);
    var JoinStep(s, other) := step;
    JoinedOk(m.sessions[s], h.seen[s], m.sessions[other], h.seen[other], h);
    forall l, x | 0 <= l < |after.links| && 0 <= x < |after.links[l].flight| && after.links[l].flight[x].Common?
      ensures Everywhere(after, after.links[l].flight[x].common)
    {
      EverywhereGrows(m, after, m.links[l].flight[x].common);
    }
    VisibleFollows(m, h, after, s, m.sessions[other].visible);
  }

  /** What a read answers: of the writes that the node shows and the session's own, the winner of each key. */
  lemma GotWins(m: Mesh, h: History, step: Step)
    requires Inv(m, h) && Enabled(m, step) && step.ReadStep?
    ensures var shown := Below(Asked(m, step.node, step.session).applied) + Dots(m.sessions[step.session].own);
      forall key | key in step.keys :: HasWinner(h.made, shown, key, AnswersOf(m, step))
  {
    AskedOk(m, h, step.node, step.session);
    var asked := Asked(m, step.node, step.session);
    AnswersWin(h.made, Below(asked.applied), asked.cache, m.sessions[step.session].own, step.keys);
  }

  lemma ReadSessionOk(m: Mesh, h: History, step: Step)
    requires Inv(m, h) && Enabled(m, step) && step.ReadStep?
    ensures var s := step.session;
      SessionOk(Take(m, step).sessions[s], Record(m, h, step).seen[s], Record(m, h, step))
  {
    var ReadStep(i, s, keys) := step;
    var asked := Asked(m, i, s);
    var session := m.sessions[s];
    var followed := Follow(session, asked);
    var answers := AnswersOf(m, step);
    var shown := Below(asked.applied) + Dots(session.own);
    AskedOk(m, h, i, s);
    FollowOk(session, h.seen[s], h, asked);
    GotWins(m, h, step);
    forall key | key in answers
      ensures answers[key].dot in h.made && answers[key].dot in Below(followed.visible) + h.seen[s]
    {
      assert key in keys;
      assert HasWinner(h.made, shown, key, answers);
    }
    SeenOk(followed, h.seen[s], h, answers);
    SessionLater(followed, h.seen[s] + PastOf(h, answers), h, Record(m, h, step));
  }

  lemma ReadStepOk(m: Mesh, h: History, step: Step)
    requires Inv(m, h) && Enabled(m, step) && step.ReadStep?
    ensures Inv(Take(m, step), Record(m, h, step))
  {
    var after := Take(m, step);
    var later := Record(m, h, step);
    var ReadStep(i, s, keys) := step;
    AskedOk(m, h, i, s);
    OnlyNodeGrows(m, after, i);
    EverywhereGrows(m, after, Asked(m, i, s).common);
    CommonsStay(m, h, after, i);
    LinksStay(m, h, after, h.made, i);
    VisibleFollows(m, h, after, s, Asked(m, i, s).applied);
    ReadSessionOk(m, h, step);
    assert NodesOk(after, later.made);
    assert SessionsOk(after, later) by {
      forall t | 0 <= t < |after.sessions|
        ensures SessionOk(after.sessions[t], later.seen[t], later)
      {
        if t != s {
          SessionLater(m.sessions[t], h.seen[t], h, later);
        }
      }
    }
  }
}
