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
    var visible, written, time := m.sessions[s].visible, m.sessions[s].written, m.sessions[s].time;
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

  /** A node that is told what a session knows, and tells it nothing. */
  lemma AfterAskingOk(m: Mesh, h: History, i: nat, s: nat)
    requires Inv(m, h) && CanAsk(m, i, s)
    ensures Inv(AfterAsking(m, i, s), h)
  {
    var after := AfterAsking(m, i, s);
    AskedOk(m, h, i, s);
    RingStays(m, after);
    OnlyNodeGrows(m, after, i);
    EverywhereGrows(m, after, Asked(m, i, s).common);
    CommonsStay(m, h, after, i);
    LinksStay(m, h, after, h.made, i);
    forall t | 0 <= t < |after.sessions|
      ensures Everywhere(after, after.sessions[t].visible)
    {
      EverywhereGrows(m, after, m.sessions[t].visible);
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
    RingStays(m, after);
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

  lemma ShownIsCut(m: Mesh, h: History, i: nat, s: nat)
    requires Inv(m, h) && i < |m.nodes| && s < |m.sessions|
    ensures var shown := Below(Asked(m, i, s).applied) + Dots(m.sessions[s].own);
      IsCut(h, shown) && h.seen[s] <= shown
  {
    AskedOk(m, h, i, s);
    var asked := Asked(m, i, s);
    var own := m.sessions[s].own;
    var shown := Below(asked.applied) + Dots(own);
    assert SessionOk(m.sessions[s], h.seen[s], h);
    forall dot | dot in h.seen[s]
      ensures dot in shown
    {
      assert Has(m.sessions[s].visible, dot) ==> Has(asked.applied, dot);
    }
    forall dot | dot in shown
      ensures dot in h.made && dot in h.past && h.past[dot] <= shown
    {
      if Has(asked.applied, dot) {
        assert h.past[dot] <= Below(h.made[dot].vector);
        assert Within(h.made[dot].vector, asked.applied);
      } else {
        assert IsAmong(dot, own);
        assert dot in h.seen[s];
      }
    }
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
    RingStays(m, after);
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

  /** Invariants look at neither transactions nor events: what changes there, and what a session has seen besides, keeps them. */
  lemma Aside(m: Mesh, h: History, after: Mesh, later: History, s: nat)
    requires Inv(m, h) && s < |m.sessions| && |after.sessions| == |m.sessions|
    requires after.nodes == m.nodes && after.links == m.links
    requires after.sessions == m.sessions[s := m.sessions[s].(transaction := after.sessions[s].transaction)]
    requires IsHistory(after, later) && later.made == h.made && later.past == h.past
    requires forall t | 0 <= t < |h.seen| && t != s :: later.seen[t] == h.seen[t]
    requires SessionOk(m.sessions[s], later.seen[s], h)
    ensures Inv(after, later)
  {
    RingStays(m, after);
    forall t | 0 <= t < |after.sessions|
      ensures after.sessions[t].visible == m.sessions[t].visible
      ensures SessionOk(after.sessions[t], later.seen[t], later)
    {
      assert SessionOk(m.sessions[t], later.seen[t], h);
      SessionAside(m.sessions[t], after.sessions[t], later.seen[t], h, later);
    }
    forall t | 0 <= t < |after.sessions|
      ensures Everywhere(after, after.sessions[t].visible)
    {
      EverywhereGrows(m, after, m.sessions[t].visible);
    }
    forall i | 0 <= i < |after.nodes|
      ensures Everywhere(after, after.nodes[i].common)
    {
      EverywhereGrows(m, after, m.nodes[i].common);
    }
    forall l, x | 0 <= l < |after.links| && 0 <= x < |after.links[l].flight| && after.links[l].flight[x].Common?
      ensures Everywhere(after, after.links[l].flight[x].common)
    {
      EverywhereGrows(m, after, m.links[l].flight[x].common);
    }
  }

  lemma SessionAside(session: Session, after: Session, seen: iset<Dot>, h: History, later: History)
    requires SessionOk(session, seen, h)
    requires after == session.(transaction := after.transaction)
    requires later.made == h.made && later.past == h.past
    ensures SessionOk(after, seen, later)
  {
    assert after.visible == session.visible && after.own == session.own && after.written == session.written && after.time == session.time;
  }

  /** A session that asks for nothing: the node learns what it knows, and it follows what the node shows. */
  lemma AskStepOk(m: Mesh, h: History, i: nat, s: nat)
    requires Inv(m, h) && CanAsk(m, i, s)
    ensures Inv(Take(m, ReadStep(i, s, {})), h)
  {
    var step := ReadStep(i, s, {});
    var read := Record(m, h, step);
    ReadStepOk(m, h, step);
    assert AnswersOf(m, step) == map[];
    assert PastOf(h, AnswersOf(m, step)) == iset{};
    assert h.seen[s] + PastOf(h, AnswersOf(m, step)) == h.seen[s];
    assert read.seen == h.seen;
    EventsAside(Take(m, step), read, h);
  }

  lemma EventsAside(m: Mesh, h: History, later: History)
    requires Inv(m, h) && IsHistory(m, later)
    requires later.made == h.made && later.past == h.past && later.seen == h.seen
    ensures Inv(m, later)
  {
    forall s | 0 <= s < |m.sessions|
      ensures SessionOk(m.sessions[s], later.seen[s], later)
    {
      SessionAside(m.sessions[s], m.sessions[s], h.seen[s], h, later);
    }
  }
}
