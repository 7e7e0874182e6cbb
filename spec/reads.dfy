// What sessions were told: every answer that was ever given is a causal cut, and holds all that its session had seen.
//
// These are invariants of the history, in which each read stands as it was answered.

include "induction.dfy"

module Reads {
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
  import opened Transactions
  import opened Induction

  predicate ReadOk(h: History, keys: set<Key>, answers: map<Key, Version>, shown: iset<Dot>, seen: iset<Dot>) {
    && IsCut(h, shown)
    && seen <= shown
    && answers.Keys <= keys
    && (forall key | key in keys :: HasWinner(h.made, shown, key, answers))
    && (forall key | key in answers :: answers[key].dot in h.past && h.past[answers[key].dot] <= seen)
  }

  /** All that a transaction has read is from one cut, and the write that it made follows all of that. */
  predicate TransactionOk(h: History, keys: set<Key>, answers: map<Key, Version>, shown: iset<Dot>, seen: iset<Dot>, commit: Option<Dot>) {
    && IsCut(h, shown)
    && answers.Keys <= keys
    && (forall key | key in keys :: HasWinner(h.made, shown, key, answers))
    && (forall key | key in answers :: answers[key].dot in h.past && h.past[answers[key].dot] <= seen)
    && (commit.Some? ==> commit.value in h.past && h.past[commit.value] == seen)
  }

  predicate EventOk(h: History, event: Event) {
    match event
    case WriteEvent(dot, seen) => dot in h.made && dot in h.past && h.past[dot] == seen && dot in seen
    case ReadEvent(keys, answers, shown, seen) => ReadOk(h, keys, answers, shown, seen)
    case TransactionEvent(since, keys, answers, shown, seen, commit) => TransactionOk(h, keys, answers, shown, seen, commit)
  }

  /** A session's events follow one another, and it forgets nothing. */
  predicate EventsOk(h: History, events: seq<Event>, seen: iset<Dot>) {
    && (forall x | 0 <= x < |events| :: EventOk(h, events[x]) && events[x].seen <= seen)
    && (forall x, y | 0 <= x <= y < |events| :: events[x].seen <= events[y].seen)
  }

  predicate AllEventsOk(h: History) {
    |h.events| == |h.seen| && forall s | 0 <= s < |h.events| :: EventsOk(h, h.events[s], h.seen[s])
  }

  lemma EventLater(h: History, later: History, event: Event)
    requires LaterHistory(h, later) && EventOk(h, event)
    ensures EventOk(later, event)
  {
    if !event.WriteEvent? {
      forall key | key in event.keys
        ensures HasWinner(later.made, event.shown, key, event.answers)
      {
        WinnerLater(h.made, later.made, event.shown, key, event.answers);
      }
    }
  }

  lemma EventsLater(h: History, later: History, events: seq<Event>, seen: iset<Dot>, more: iset<Dot>)
    requires LaterHistory(h, later) && EventsOk(h, events, seen) && seen <= more
    ensures EventsOk(later, events, more)
  {
    forall x | 0 <= x < |events|
      ensures EventOk(later, events[x]) && events[x].seen <= more
    {
      EventLater(h, later, events[x]);
    }
  }

  lemma EventsGrow(h: History, events: seq<Event>, seen: iset<Dot>, event: Event)
    requires EventsOk(h, events, seen) && EventOk(h, event) && seen <= event.seen
    ensures EventsOk(h, events + [event], event.seen)
  {
  }

  lemma WriteEventOk(m: Mesh, h: History, step: Step)
    requires Inv(m, h) && AllEventsOk(h) && Enabled(m, step) && step.WriteStep?
    ensures AllEventsOk(Record(m, h, step))
  {
    var later := Record(m, h, step);
    PastLater(m, h, step);
    forall s | 0 <= s < |later.events|
      ensures EventsOk(later, later.events[s], later.seen[s])
    {
      EventsLater(h, later, h.events[s], h.seen[s], h.seen[s]);
      if s == step.session {
        EventsGrow(later, h.events[s], h.seen[s], WriteEvent(WriteOf(m, step).dot, later.seen[s]));
      }
    }
  }

  lemma AnswersOk(m: Mesh, h: History, step: Step)
    requires Inv(m, h) && Enabled(m, step) && step.ReadStep?
    ensures var ReadStep(i, s, keys) := step;
      var shown := Below(Asked(m, i, s).applied) + Dots(m.sessions[s].own);
      ReadOk(h, keys, AnswersOf(m, step), shown, h.seen[s] + PastOf(h, AnswersOf(m, step)))
  {
    var ReadStep(i, s, keys) := step;
    var answers := AnswersOf(m, step);
    var shown := Below(Asked(m, i, s).applied) + Dots(m.sessions[s].own);
    ShownIsCut(m, h, i, s);
    GotWins(m, h, step);
    forall key | key in answers
      ensures answers[key].dot in h.past && h.past[answers[key].dot] <= PastOf(h, answers) && answers[key].dot in shown
    {
      assert HasWinner(h.made, shown, key, answers);
      forall dot | dot in h.past[answers[key].dot]
        ensures dot in PastOf(h, answers)
      {
        assert IsBehind(dot, h, answers);
      }
    }
    forall dot | dot in PastOf(h, answers)
      ensures dot in shown
    {
      assert IsBehind(dot, h, answers);
    }
  }

  lemma ReadEventOk(m: Mesh, h: History, step: Step)
    requires Inv(m, h) && AllEventsOk(h) && Enabled(m, step) && step.ReadStep?
    ensures AllEventsOk(Record(m, h, step))
  {
    var later := Record(m, h, step);
    var s := step.session;
    var event := later.events[s][|h.events[s]|];
    AnswersOk(m, h, step);
    assert EventOk(h, event);
    EventLater(h, later, event);
    forall t | 0 <= t < |later.events|
      ensures EventsOk(later, later.events[t], later.seen[t])
    {
      EventsLater(h, later, h.events[t], h.seen[t], h.seen[t]);
      if t == s {
        EventsGrow(later, h.events[t], h.seen[t], event);
      }
    }
  }

  lemma EndedOk(h: History, s: nat, transaction: Transaction, visible: Vector, commit: Option<Dot>)
    requires AllEventsOk(h) && s < |h.events| == |h.since| && OpenOk(transaction, visible, h.seen[s], h)
    requires commit.Some? ==> commit.value in h.past && h.past[commit.value] == h.seen[s]
    ensures AllEventsOk(Ended(h, s, transaction, commit))
  {
    var later := Ended(h, s, transaction, commit);
    var event := later.events[s][|h.events[s]|];
    assert EventOk(h, event);
    EventLater(h, later, event);
    forall t | 0 <= t < |later.events|
      ensures EventsOk(later, later.events[t], later.seen[t])
    {
      EventsLater(h, later, h.events[t], h.seen[t], h.seen[t]);
      if t == s {
        EventsGrow(later, h.events[t], h.seen[t], event);
      }
    }
  }

  lemma CommitEventOk(m: Mesh, h: History, step: Step)
    requires Inv(m, h) && OpensOk(m, h) && AllEventsOk(h) && Enabled(m, step) && step.CommitStep?
    ensures AllEventsOk(Record(m, h, step))
  {
    var CommitStep(i, s, changes, time) := step;
    var write := WriteStep(i, s, changes, time);
    var dot := WriteOf(m, write).dot;
    var written := Record(m, h, write);
    var session := m.sessions[s];
    PastLater(m, h, write);
    WriteEventOk(m, h, write);
    OpenLater(session.transaction.value, session.visible, h.seen[s], h, session.visible, written.seen[s], written);
    EndedOk(written, s, session.transaction.value, session.visible, Some(dot));
  }

  lemma EventsStepOk(m: Mesh, h: History, step: Step)
    requires Inv(m, h) && OpensOk(m, h) && AllEventsOk(h) && Enabled(m, step)
    ensures AllEventsOk(Record(m, h, step))
  {
    if step.WriteStep? {
      WriteEventOk(m, h, step);
    } else if step.ReadStep? {
      ReadEventOk(m, h, step);
    } else if step.CommitStep? {
      CommitEventOk(m, h, step);
    } else if step.EndStep? {
      EndedOk(h, step.session, m.sessions[step.session].transaction.value, m.sessions[step.session].visible, None);
    } else {
      var later := Record(m, h, step);
      forall s | 0 <= s < |later.events|
        ensures EventsOk(later, later.events[s], later.seen[s])
      {
        EventsLater(h, later, h.events[s], h.seen[s], later.seen[s]);
      }
    }
  }

  lemma AlwaysEvents(run: seq<State>, t: nat)
    requires IsRun(run) && t < |run|
    ensures Inv(run[t].mesh, run[t].history)
    ensures AllEventsOk(run[t].history)
  {
    Always(run, t);
    if t > 0 {
      Always(run, t - 1);
      AlwaysEvents(run, t - 1);
      var before := run[t - 1];
      assert NextState(before, run[t - 1 + 1]);
      var step :| Enabled(before.mesh, step) && run[t] == State(Take(before.mesh, step), Record(before.mesh, before.history, step));
      EventsStepOk(before.mesh, before.history, step);
    }
  }
}
