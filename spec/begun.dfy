// A transaction reads nothing older than what its session had seen when it began: its own writes before that, and whatever it had read.

include "theorems.dfy"

module Begun {
  import opened Vectors
  import opened Writes
  import opened Nodes
  import opened Sessions
  import opened Meshes
  import opened Histories
  import opened Invariants
  import opened NodeProof
  import opened SessionSteps
  import opened Transactions
  import opened Induction
  import opened Reads
  import opened Theorems

  /** The first so many events of a session are within what a transaction reads from. */
  predicate Holds(events: seq<Event>, since: nat, shown: iset<Dot>) {
    since <= |events| && forall y | 0 <= y < since :: events[y].seen <= shown
  }

  predicate BegunOk(m: Mesh, h: History)
    requires IsHistory(m, h)
  {
    && (forall s | 0 <= s < |m.sessions| && m.sessions[s].transaction.Some? :: Holds(h.events[s], h.since[s], Snapshot(m.sessions[s].transaction.value)))
    && (forall s: nat, x: nat | IsEvent(h, s, x) && h.events[s][x].TransactionEvent? :: Holds(h.events[s], h.events[s][x].since, h.events[s][x].shown))
  }

  lemma HoldsLater(events: seq<Event>, since: nat, shown: iset<Dot>, later: seq<Event>, laterShown: iset<Dot>)
    requires Holds(events, since, shown) && shown <= laterShown
    requires |events| <= |later| && forall y | 0 <= y < |events| :: later[y] == events[y]
    ensures Holds(later, since, laterShown)
  {
  }

  lemma OpenKeeps(m: Mesh, h: History, step: Step, s: nat)
    requires Inv(m, h) && OpensOk(m, h) && AllEventsOk(h) && BegunOk(m, h) && Enabled(m, step)
    requires s < |m.sessions| && Take(m, step).sessions[s].transaction.Some?
    ensures Holds(Record(m, h, step).events[s], Record(m, h, step).since[s], Snapshot(Take(m, step).sessions[s].transaction.value))
  {
    var after, later := Take(m, step), Record(m, h, step);
    var now := after.sessions[s].transaction.value;
    if step.BeginStep? && step.session == s {
      ShownIsCut(m, h, step.node, s);
      assert Snapshot(now) == Below(Asked(m, step.node, s).applied) + Dots(m.sessions[s].own);
      assert EventsOk(h, h.events[s], h.seen[s]);
    } else {
      var before := m.sessions[s].transaction.value;
      if step.ExtendStep? && step.session == s {
        assert OpenOk(before, m.sessions[s].visible, h.seen[s], h);
        assert Within(before.snapshot, m.sessions[s].visible);
        assert Within(m.sessions[s].visible, now.snapshot);
      }
      assert Snapshot(before) <= Snapshot(now);
      HoldsLater(h.events[s], h.since[s], Snapshot(before), later.events[s], Snapshot(now));
    }
  }

  lemma EndedKeeps(m: Mesh, h: History, step: Step, s: nat, x: nat)
    requires Inv(m, h) && OpensOk(m, h) && AllEventsOk(h) && BegunOk(m, h) && Enabled(m, step)
    requires IsEvent(Record(m, h, step), s, x) && Record(m, h, step).events[s][x].TransactionEvent?
    ensures var later := Record(m, h, step); Holds(later.events[s], later.events[s][x].since, later.events[s][x].shown)
  {
    var later := Record(m, h, step);
    var event := later.events[s][x];
    if x < |h.events[s]| {
      assert event == h.events[s][x];
      HoldsLater(h.events[s], event.since, event.shown, later.events[s], event.shown);
    } else {
      assert step.CommitStep? || step.EndStep?;
      assert step.session == s;
      HoldsLater(h.events[s], h.since[s], event.shown, later.events[s], event.shown);
    }
  }

  lemma AlwaysBegun(run: seq<State>, t: nat)
    requires IsRun(run) && t < |run|
    ensures AllEventsOk(run[t].history)
    ensures BegunOk(run[t].mesh, run[t].history)
  {
    AlwaysEvents(run, t);
    if t > 0 {
      Always(run, t - 1);
      AlwaysBegun(run, t - 1);
      var m, h := run[t - 1].mesh, run[t - 1].history;
      assert NextState(run[t - 1], run[t - 1 + 1]);
      var step :| Enabled(m, step) && run[t] == State(Take(m, step), Record(m, h, step));
      forall s | 0 <= s < |m.sessions| && Take(m, step).sessions[s].transaction.Some?
        ensures Holds(Record(m, h, step).events[s], Record(m, h, step).since[s], Snapshot(Take(m, step).sessions[s].transaction.value))
      {
        OpenKeeps(m, h, step, s);
      }
      forall s: nat, x: nat | IsEvent(Record(m, h, step), s, x) && Record(m, h, step).events[s][x].TransactionEvent?
        ensures var later := Record(m, h, step); Holds(later.events[s], later.events[s][x].since, later.events[s][x].shown)
      {
        EndedKeeps(m, h, step, s, x);
      }
    }
  }

  /** What the session wrote, and what it read, before the transaction began. */
  lemma TransactionsReadYourPast(run: seq<State>, t: nat, s: nat, x: nat, y: nat, dot: Dot)
    requires IsRun(run) && t < |run|
    requires IsEvent(run[t].history, s, x) && run[t].history.events[s][x].TransactionEvent?
    requires y < run[t].history.events[s][x].since && y < |run[t].history.events[s]|
    requires dot in run[t].history.events[s][y].seen
    ensures var h, event := run[t].history, run[t].history.events[s][x];
      dot in h.made && forall key | key in event.keys && key in h.made[dot].changes :: key in event.answers && AtLeast(event.answers[key], h.made[dot])
  {
    AlwaysBegun(run, t);
    var h := run[t].history;
    var event := h.events[s][x];
    assert EventsOk(h, h.events[s], h.seen[s]);
    assert EventOk(h, event);
    assert dot in event.shown;
    forall key | key in event.keys && key in h.made[dot].changes
      ensures key in event.answers && AtLeast(event.answers[key], h.made[dot])
    {
      assert HasWinner(h.made, event.shown, key, event.answers);
    }
  }
}
