// What an open transaction has read, at whichever nodes: the winners of one snapshot, which is a causal cut, and stays one when it is extended.

include "write-step.dfy"

module Transactions {
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
  import opened WriteSteps

  predicate OpenOk(transaction: Transaction, visible: Vector, seen: iset<Dot>, h: History) {
    && Closed(h.made, transaction.snapshot)
    && Within(transaction.snapshot, visible)
    && (forall write | write in transaction.own :: write.dot in h.made && h.made[write.dot] == write && write.dot in seen)
    && IsCut(h, Snapshot(transaction))
    && transaction.answers.Keys <= transaction.keys
    && (forall key | key in transaction.keys :: HasWinner(h.made, Snapshot(transaction), key, transaction.answers))
    && (forall key | key in transaction.answers :: var dot := transaction.answers[key].dot; dot in h.past && h.past[dot] <= seen)
  }

  predicate OpensOk(m: Mesh, h: History)
    requires IsHistory(m, h)
  {
    forall s | 0 <= s < |m.sessions| && m.sessions[s].transaction.Some? :: OpenOk(m.sessions[s].transaction.value, m.sessions[s].visible, h.seen[s], h)
  }

  lemma WinnerLater(made: Made, later: Made, shown: iset<Dot>, key: Key, versions: map<Key, Version>)
    requires Later(made, later) && HasWinner(made, shown, key, versions)
    requires forall dot | dot in shown :: dot in made
    ensures HasWinner(later, shown, key, versions)
  {
  }

  lemma OpenLater(transaction: Transaction, visible: Vector, seen: iset<Dot>, h: History, laterVisible: Vector, laterSeen: iset<Dot>, later: History)
    requires OpenOk(transaction, visible, seen, h)
    requires LaterHistory(h, later) && Within(visible, laterVisible) && seen <= laterSeen
    ensures OpenOk(transaction, laterVisible, laterSeen, later)
  {
    ClosedLater(h.made, later.made, transaction.snapshot);
    forall key | key in transaction.keys
      ensures HasWinner(later.made, Snapshot(transaction), key, transaction.answers)
    {
      WinnerLater(h.made, later.made, Snapshot(transaction), key, transaction.answers);
    }
  }

  /** Any node answers from any snapshot: it has all writes of it. */
  lemma SnapshotWins(m: Mesh, h: History, step: Step)
    requires Inv(m, h) && OpensOk(m, h) && Enabled(m, step) && step.SnapshotStep?
    ensures var transaction := m.sessions[step.session].transaction.value;
      forall key | key in step.keys :: HasWinner(h.made, Snapshot(transaction), key, SnapshotOf(m, step))
  {
    var SnapshotStep(i, s, keys) := step;
    var asked := Asked(m, i, s);
    var transaction := m.sessions[s].transaction.value;
    AskedOk(m, h, i, s);
    assert Within(transaction.snapshot, m.sessions[s].visible);
    assert Within(transaction.snapshot, asked.received);
    assert Holds(h.made, asked.log, Below(transaction.snapshot)) by {
      forall dot | dot in Below(transaction.snapshot)
        ensures dot in asked.log && dot in h.made && asked.log[dot] == h.made[dot]
      {
        assert Has(asked.received, dot);
      }
    }
    ShowShows(h.made, map[], asked.log, [], transaction.snapshot);
    AnswersWin(h.made, Below(transaction.snapshot), Show(map[], asked.log, [], transaction.snapshot), transaction.own, keys);
  }

  lemma SnapshotIsSeen(m: Mesh, h: History, step: Step)
    requires Inv(m, h) && OpensOk(m, h) && Enabled(m, step) && step.SnapshotStep?
    ensures forall key | key in SnapshotOf(m, step) ::
      var dot := SnapshotOf(m, step)[key].dot; dot in h.made && dot in Below(m.sessions[step.session].visible) + h.seen[step.session]
  {
    var answers := SnapshotOf(m, step);
    var transaction := m.sessions[step.session].transaction.value;
    SnapshotWins(m, h, step);
    forall key | key in answers
      ensures answers[key].dot in h.made && answers[key].dot in Below(m.sessions[step.session].visible) + h.seen[step.session]
    {
      assert key in step.keys;
      assert HasWinner(h.made, Snapshot(transaction), key, answers);
      assert IsAmong(answers[key].dot, transaction.own) ==> answers[key].dot in h.seen[step.session];
    }
  }

  lemma SnapshotStepOk(m: Mesh, h: History, step: Step)
    requires Inv(m, h) && OpensOk(m, h) && Enabled(m, step) && step.SnapshotStep?
    ensures Inv(Take(m, step), Record(m, h, step))
  {
    var SnapshotStep(i, s, keys) := step;
    var answers := SnapshotOf(m, step);
    AfterAskingOk(m, h, i, s);
    SnapshotIsSeen(m, h, step);
    SeenOk(m.sessions[s], h.seen[s], h, answers);
    Aside(AfterAsking(m, i, s), h, Take(m, step), Record(m, h, step), s);
  }

  lemma BeginOpens(m: Mesh, h: History, step: Step)
    requires Inv(m, h) && Enabled(m, step) && step.BeginStep?
    ensures var after := Take(m, step).sessions[step.session]; OpenOk(after.transaction.value, after.visible, h.seen[step.session], h)
  {
    var BeginStep(i, s) := step;
    AskedOk(m, h, i, s);
    ShownIsCut(m, h, i, s);
    assert SessionOk(m.sessions[s], h.seen[s], h);
  }

  lemma HasReadOk(transaction: Transaction, visible: Vector, seen: iset<Dot>, h: History, keys: set<Key>, answers: map<Key, Version>)
    requires OpenOk(transaction, visible, seen, h)
    requires answers.Keys <= keys
    requires forall key | key in keys :: HasWinner(h.made, Snapshot(transaction), key, answers)
    requires PastOf(h, answers) <= seen
    ensures OpenOk(HasRead(transaction, keys, answers), visible, seen, h)
  {
    var now := HasRead(transaction, keys, answers);
    assert Snapshot(now) == Snapshot(transaction);
    forall key | key in now.keys
      ensures HasWinner(h.made, Snapshot(now), key, now.answers)
    {
      if key in keys {
        assert HasWinner(h.made, Snapshot(transaction), key, answers);
      } else {
        assert HasWinner(h.made, Snapshot(transaction), key, transaction.answers);
      }
    }
    forall key | key in answers
      ensures answers[key].dot in h.past && h.past[answers[key].dot] <= seen
    {
      assert HasWinner(h.made, Snapshot(transaction), key, answers);
      forall dot | dot in h.past[answers[key].dot]
        ensures dot in PastOf(h, answers)
      {
        assert IsBehind(dot, h, answers);
      }
    }
  }

  lemma SnapshotStaysOpen(m: Mesh, h: History, step: Step)
    requires Inv(m, h) && OpensOk(m, h) && Enabled(m, step) && step.SnapshotStep?
    ensures var after := Take(m, step).sessions[step.session];
      OpenOk(after.transaction.value, after.visible, Record(m, h, step).seen[step.session], Record(m, h, step))
  {
    var s := step.session;
    var later := Record(m, h, step);
    var transaction, after := m.sessions[s].transaction.value, Take(m, step).sessions[s];
    var answers := SnapshotOf(m, step);
    SnapshotWins(m, h, step);
    OpenLater(transaction, m.sessions[s].visible, h.seen[s], h, after.visible, later.seen[s], later);
    assert PastOf(later, answers) == PastOf(h, answers) by {
      forall dot
        ensures IsBehind(dot, later, answers) <==> IsBehind(dot, h, answers)
      {
      }
    }
    HasReadOk(transaction, after.visible, later.seen[s], later, step.keys, answers);
  }

  lemma ExtendOk(transaction: Transaction, snapshot: Vector, visible: Vector, seen: iset<Dot>, h: History)
    requires OpenOk(transaction, visible, seen, h) && PastOk(h)
    requires Closed(h.made, snapshot) && Within(transaction.snapshot, snapshot) && Within(snapshot, visible)
    requires forall key | key in transaction.keys :: HasWinner(h.made, Below(snapshot) + Dots(transaction.own), key, transaction.answers)
    ensures OpenOk(transaction.(snapshot := snapshot), visible, seen, h)
  {
    var now := transaction.(snapshot := snapshot);
    assert Snapshot(now) == Below(snapshot) + Dots(transaction.own);
    forall dot | dot in Snapshot(now)
      ensures dot in h.made && dot in h.past && h.past[dot] <= Snapshot(now)
    {
      if Has(snapshot, dot) {
        assert h.past[dot] <= Below(h.made[dot].vector);
        assert Within(h.made[dot].vector, snapshot);
      } else {
        assert dot in Snapshot(transaction);
        assert Snapshot(transaction) <= Snapshot(now);
      }
    }
  }

  lemma ExtendStaysOpen(m: Mesh, h: History, step: Step)
    requires Inv(m, h) && OpensOk(m, h) && Enabled(m, step) && step.ExtendStep?
    ensures var after := Take(m, step).sessions[step.session]; OpenOk(after.transaction.value, after.visible, h.seen[step.session], h)
  {
    var ExtendStep(i, s) := step;
    var asked := Asked(m, i, s);
    var transaction, after := m.sessions[s].transaction.value, Take(m, step).sessions[s];
    AskedOk(m, h, i, s);
    AnswersWin(h.made, Below(asked.applied), asked.cache, transaction.own, transaction.keys);
    assert after.visible == Join(m.sessions[s].visible, asked.applied);
    OpenLater(transaction, m.sessions[s].visible, h.seen[s], h, after.visible, h.seen[s], h);
    ExtendOk(transaction, asked.applied, after.visible, h.seen[s], h);
  }

  lemma OpensKeep(m: Mesh, h: History, step: Step)
    requires Inv(m, h) && OpensOk(m, h) && Enabled(m, step)
    ensures OpensOk(Take(m, step), Record(m, h, step))
  {
    var after, later := Take(m, step), Record(m, h, step);
    if step.WriteStep? {
      PastLater(m, h, step);
    } else if step.CommitStep? {
      PastLater(m, h, WriteStep(step.node, step.session, step.changes, step.time));
    }
    assert LaterHistory(h, later);
    forall s | 0 <= s < |after.sessions| && after.sessions[s].transaction.Some?
      ensures OpenOk(after.sessions[s].transaction.value, after.sessions[s].visible, later.seen[s], later)
    {
      if step.BeginStep? && step.session == s {
        BeginOpens(m, h, step);
        OpenLater(after.sessions[s].transaction.value, after.sessions[s].visible, h.seen[s], h, after.sessions[s].visible, later.seen[s], later);
      } else if step.SnapshotStep? && step.session == s {
        SnapshotStaysOpen(m, h, step);
      } else if step.ExtendStep? && step.session == s {
        ExtendStaysOpen(m, h, step);
      } else {
        assert after.sessions[s].transaction == m.sessions[s].transaction;
        OpenLater(m.sessions[s].transaction.value, m.sessions[s].visible, h.seen[s], h, after.sessions[s].visible, later.seen[s], later);
      }
    }
  }
}
