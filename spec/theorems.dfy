// What the mesh promises, of every state that it can come to, in the words of the literature.
//
// The promises are about histories alone: what sessions wrote, and the values that they were answered.

include "reads.dfy"

module Theorems {
  import opened Vectors
  import opened Writes
  import opened Nodes
  import opened Sessions
  import opened Meshes
  import opened Histories
  import opened Invariants
  import opened Showing
  import opened NodeProof
  import opened Induction
  import opened Reads

  predicate IsEvent(h: History, s: nat, x: nat) {
    s < |h.events| && x < |h.events[s]|
  }

  predicate IsWrite(h: History, s: nat, x: nat) {
    IsEvent(h, s, x) && h.events[s][x].WriteEvent? && h.events[s][x].dot in h.made
  }

  predicate IsRead(h: History, s: nat, x: nat) {
    IsEvent(h, s, x) && h.events[s][x].ReadEvent?
  }

  /** A read that returned, for some key, this write's value. */
  predicate Returned(h: History, s: nat, x: nat, dot: Dot) {
    IsRead(h, s, x) && exists key :: key in h.events[s][x].answers && h.events[s][x].answers[key].dot == dot
  }

  /** A read returns this write's value, or one that wins over it, of each key that the write changes and that was asked for. */
  predicate Reflects(h: History, event: Event, dot: Dot)
    requires event.ReadEvent?
  {
    dot in h.made && forall key | key in event.keys && key in h.made[dot].changes :: key in event.answers && AtLeast(event.answers[key], h.made[dot])
  }

  /** From its event x on, session s reads nothing older than this write. */
  predicate ReflectsFrom(h: History, s: nat, x: nat, dot: Dot) {
    forall y | x <= y && IsRead(h, s, y) :: Reflects(h, h.events[s][y], dot)
  }

  // The session guarantees.

  predicate ReadYourWrites(h: History) {
    forall s: nat, x: nat | IsWrite(h, s, x) :: ReflectsFrom(h, s, x, h.events[s][x].dot)
  }

  predicate MonotonicReads(h: History) {
    forall s: nat, x: nat, dot | Returned(h, s, x, dot) :: ReflectsFrom(h, s, x, dot)
  }

  /** Of two writes of one session, whoever reads the later one reads nothing older than the earlier one from then on. */
  predicate MonotonicWrites(h: History) {
    forall s: nat, x: nat, y: nat, reader: nat, z: nat |
      IsWrite(h, s, x) && IsWrite(h, s, y) && x < y && Returned(h, reader, z, h.events[s][y].dot) ::
      ReflectsFrom(h, reader, z, h.events[s][x].dot)
  }

  /** Whoever reads a write reads nothing older than what its session had read before it wrote. */
  predicate WritesFollowReads(h: History) {
    forall s: nat, x: nat, y: nat, dot, reader: nat, z: nat |
      Returned(h, s, x, dot) && IsWrite(h, s, y) && x < y && Returned(h, reader, z, h.events[s][y].dot) ::
      ReflectsFrom(h, reader, z, dot)
  }

  lemma SeenIsReflected(h: History, s: nat, x: nat, dot: Dot)
    requires AllEventsOk(h) && IsEvent(h, s, x) && dot in h.events[s][x].seen
    ensures ReflectsFrom(h, s, x, dot)
  {
    forall y | x <= y && IsRead(h, s, y)
      ensures Reflects(h, h.events[s][y], dot)
    {
      assert EventsOk(h, h.events[s], h.seen[s]);
      var event := h.events[s][y];
      assert EventOk(h, event);
      assert h.events[s][x].seen <= event.seen;
      assert dot in event.shown;
      forall key | key in event.keys && key in h.made[dot].changes
        ensures key in event.answers && AtLeast(event.answers[key], h.made[dot])
      {
        assert HasWinner(h.made, event.shown, key, event.answers);
      }
    }
  }

  lemma ReturnedIsSeen(h: History, s: nat, x: nat, dot: Dot)
    requires AllEventsOk(h) && PastOk(h) && Returned(h, s, x, dot)
    ensures dot in h.past && dot in h.past[dot] && h.past[dot] <= h.events[s][x].seen
  {
    var event := h.events[s][x];
    assert EventsOk(h, h.events[s], h.seen[s]);
    assert EventOk(h, event);
    var key :| key in event.answers && event.answers[key].dot == dot;
  }

  lemma WrittenIsPast(h: History, s: nat, x: nat, y: nat)
    requires AllEventsOk(h) && IsEvent(h, s, x) && IsWrite(h, s, y) && x <= y
    ensures h.events[s][y].dot in h.past && h.events[s][x].seen <= h.past[h.events[s][y].dot]
    ensures h.events[s][y].dot in h.events[s][y].seen
  {
    assert EventsOk(h, h.events[s], h.seen[s]);
    assert EventOk(h, h.events[s][y]);
  }

  lemma ReadsYourWrites(run: seq<State>, t: nat)
    requires IsRun(run) && t < |run|
    ensures ReadYourWrites(run[t].history)
  {
    AlwaysEvents(run, t);
    var h := run[t].history;
    forall s: nat, x: nat | IsWrite(h, s, x)
      ensures ReflectsFrom(h, s, x, h.events[s][x].dot)
    {
      WrittenIsPast(h, s, x, x);
      SeenIsReflected(h, s, x, h.events[s][x].dot);
    }
  }

  lemma ReadsAreMonotonic(run: seq<State>, t: nat)
    requires IsRun(run) && t < |run|
    ensures MonotonicReads(run[t].history)
  {
    AlwaysEvents(run, t);
    var h := run[t].history;
    forall s: nat, x: nat, dot | Returned(h, s, x, dot)
      ensures ReflectsFrom(h, s, x, dot)
    {
      ReturnedIsSeen(h, s, x, dot);
      SeenIsReflected(h, s, x, dot);
    }
  }

  lemma WritesAreMonotonic(run: seq<State>, t: nat)
    requires IsRun(run) && t < |run|
    ensures MonotonicWrites(run[t].history)
  {
    AlwaysEvents(run, t);
    var h := run[t].history;
    forall s: nat, x: nat, y: nat, reader: nat, z: nat |
      IsWrite(h, s, x) && IsWrite(h, s, y) && x < y && Returned(h, reader, z, h.events[s][y].dot)
      ensures ReflectsFrom(h, reader, z, h.events[s][x].dot)
    {
      WrittenIsPast(h, s, x, x);
      WrittenIsPast(h, s, x, y);
      ReturnedIsSeen(h, reader, z, h.events[s][y].dot);
      SeenIsReflected(h, reader, z, h.events[s][x].dot);
    }
  }

  lemma WritesFollow(run: seq<State>, t: nat)
    requires IsRun(run) && t < |run|
    ensures WritesFollowReads(run[t].history)
  {
    AlwaysEvents(run, t);
    var h := run[t].history;
    forall s: nat, x: nat, y: nat, dot, reader: nat, z: nat |
      Returned(h, s, x, dot) && IsWrite(h, s, y) && x < y && Returned(h, reader, z, h.events[s][y].dot)
      ensures ReflectsFrom(h, reader, z, dot)
    {
      ReturnedIsSeen(h, s, x, dot);
      WrittenIsPast(h, s, x, y);
      ReturnedIsSeen(h, reader, z, h.events[s][y].dot);
      SeenIsReflected(h, reader, z, dot);
    }
  }

  // Cuts.

  /**
   * A read of any number of keys is answered from one set of writes that holds, with each write, all that it followed, and all that the session
   * had seen: of each key the winner in that set, with its value; nothing for a key which none of them changes.
   */
  predicate ReadsAreCuts(h: History) {
    forall s: nat, x: nat | IsRead(h, s, x) ::
      var event := h.events[s][x];
      && IsCut(h, event.shown)
      && event.seen <= event.shown
      && forall key | key in event.keys :: HasWinner(h.made, event.shown, key, event.answers)
  }

  /** Keys that were written together are seen together, or not at all. */
  predicate WritesAreAtomic(h: History) {
    forall s: nat, x: nat, dot | Returned(h, s, x, dot) :: Reflects(h, h.events[s][x], dot)
  }

  lemma EveryReadIsACut(run: seq<State>, t: nat)
    requires IsRun(run) && t < |run|
    ensures ReadsAreCuts(run[t].history)
  {
    AlwaysEvents(run, t);
    var h := run[t].history;
    forall s: nat, x: nat | IsRead(h, s, x)
      ensures ReadOk(h, h.events[s][x].keys, h.events[s][x].answers, h.events[s][x].shown, h.events[s][x].seen)
    {
      assert EventsOk(h, h.events[s], h.seen[s]);
      assert EventOk(h, h.events[s][x]);
    }
  }

  lemma EveryWriteIsAtomic(run: seq<State>, t: nat)
    requires IsRun(run) && t < |run|
    ensures WritesAreAtomic(run[t].history)
  {
    ReadsAreMonotonic(run, t);
    var h := run[t].history;
    forall s: nat, x: nat, dot | Returned(h, s, x, dot)
      ensures Reflects(h, h.events[s][x], dot)
    {
      assert ReflectsFrom(h, s, x, dot);
    }
  }

  // Transactions.

  /**
   * All that a transaction has read, at whichever nodes and however often its snapshot was extended, is from one set of writes that holds, with
   * each write, all that it followed; and the write that it made follows all that it has read.
   */
  predicate TransactionsAreCuts(h: History) {
    forall s: nat, x: nat | IsEvent(h, s, x) && h.events[s][x].TransactionEvent? ::
      var event := h.events[s][x];
      && IsCut(h, event.shown)
      && (forall key | key in event.keys :: HasWinner(h.made, event.shown, key, event.answers))
      && (event.commit.Some? ==> event.commit.value in h.past
          && forall key | key in event.answers :: event.answers[key].dot in h.past[event.commit.value])
  }

  lemma EveryTransactionIsACut(run: seq<State>, t: nat)
    requires IsRun(run) && t < |run|
    ensures TransactionsAreCuts(run[t].history)
  {
    AlwaysEvents(run, t);
    var h := run[t].history;
    forall s: nat, x: nat | IsEvent(h, s, x) && h.events[s][x].TransactionEvent?
      ensures var event := h.events[s][x]; TransactionOk(h, event.keys, event.answers, event.shown, event.seen, event.commit)
    {
      assert EventsOk(h, h.events[s], h.seen[s]);
      assert EventOk(h, h.events[s][x]);
    }
    forall s: nat, x: nat, key | IsEvent(h, s, x) && h.events[s][x].TransactionEvent? && key in h.events[s][x].answers
      ensures h.events[s][x].answers[key].dot in h.events[s][x].seen
    {
      assert TransactionOk(h, h.events[s][x].keys, h.events[s][x].answers, h.events[s][x].shown, h.events[s][x].seen, h.events[s][x].commit);
      assert HasWinner(h.made, h.events[s][x].shown, key, h.events[s][x].answers);
    }
  }

  /** Of what one transaction has committed, another sees all or nothing. */
  lemma EveryCommitIsAtomic(run: seq<State>, t: nat, s: nat, x: nat, dot: Dot)
    requires IsRun(run) && t < |run|
    requires IsEvent(run[t].history, s, x) && run[t].history.events[s][x].TransactionEvent?
    requires exists key :: key in run[t].history.events[s][x].answers && run[t].history.events[s][x].answers[key].dot == dot
    ensures var h, event := run[t].history, run[t].history.events[s][x];
      dot in h.made && forall key | key in event.keys && key in h.made[dot].changes :: key in event.answers && AtLeast(event.answers[key], h.made[dot])
  {
    EveryTransactionIsACut(run, t);
    AlwaysEvents(run, t);
    var h, event := run[t].history, run[t].history.events[s][x];
    assert EventsOk(h, h.events[s], h.seen[s]);
    assert EventOk(h, event);
    var one :| one in event.answers && event.answers[one].dot == dot;
    assert HasWinner(h.made, event.shown, one, event.answers);
    forall key | key in event.keys && key in h.made[dot].changes
      ensures key in event.answers && AtLeast(event.answers[key], h.made[dot])
    {
      assert HasWinner(h.made, event.shown, key, event.answers);
    }
  }

  // The order of writes.

  /** What wins is never something that the loser had overwritten. */
  predicate OrderFollowsCausality(h: History) {
    forall dot, earlier | dot in h.made && dot in h.past && earlier in h.past[dot] && earlier in h.made && earlier != dot ::
      Beats(h.made[dot].time, dot, h.made[earlier].time, earlier)
  }

  lemma TheOrderFollowsCausality(run: seq<State>, t: nat)
    requires IsRun(run) && t < |run|
    ensures OrderFollowsCausality(run[t].history)
  {
    Always(run, t);
  }

  /** Two writes that neither wins over the other are the same. */
  lemma OrderIsTotal(size: nat, made: Made, one: Dot, other: Dot)
    requires MadeOk(size, made) && TimesOk(made) && one in made && other in made
    requires !Beats(made[one].time, one, made[other].time, other) && !Beats(made[other].time, other, made[one].time, one)
    ensures one == other
  {
    assert Has(made[one].vector, one) && Has(made[other].vector, other);
    if one.counter < other.counter {
      assert Has(made[other].vector, one);
    } else if other.counter < one.counter {
      assert Has(made[one].vector, other);
    }
  }

  /** I5, convergence: nodes that show the same writes show the same values. */
  lemma Convergence(run: seq<State>, t: nat, i: nat, j: nat)
    requires IsRun(run) && t < |run|
    requires i < |run[t].mesh.nodes| && j < |run[t].mesh.nodes|
    requires Same(run[t].mesh.nodes[i].applied, run[t].mesh.nodes[j].applied)
    ensures run[t].mesh.nodes[i].cache == run[t].mesh.nodes[j].cache
  {
    Always(run, t);
    var m, made := run[t].mesh, run[t].history.made;
    var a, b := m.nodes[i], m.nodes[j];
    assert NodeOk(|m.nodes|, i, a, made) && NodeOk(|m.nodes|, j, b, made);
    assert Below(a.applied) == Below(b.applied);
    forall key: Key
      ensures key in a.cache <==> key in b.cache
      ensures key in a.cache ==> a.cache[key] == b.cache[key]
    {
      assert HasWinner(made, Below(a.applied), key, a.cache);
      assert HasWinner(made, Below(a.applied), key, b.cache);
      if key in a.cache && key in b.cache {
        OrderIsTotal(|m.nodes|, made, a.cache[key].dot, b.cache[key].dot);
      }
    }
  }

  // The numbered invariants of the design, as they stand there; I5 is above, I6 in flushing.dfy.

  /** I1: what is common, and what can be read anywhere, every member has received. */
  lemma Present(run: seq<State>, t: nat, i: nat, j: nat)
    requires IsRun(run) && t < |run| && i < |run[t].mesh.nodes| && j < |run[t].mesh.nodes|
    ensures Within(run[t].mesh.nodes[i].common, run[t].mesh.nodes[j].received)
    ensures Within(run[t].mesh.nodes[i].applied, run[t].mesh.nodes[j].received)
  {
    Always(run, t);
    var m := run[t].mesh;
    assert Everywhere(m, m.nodes[i].common);
    assert NodeOk(|m.nodes|, i, m.nodes[i], run[t].history.made);
  }

  /** I2 and I4: what a node shows is closed, by vectors and in truth, and of each key it shows the winner. */
  lemma Shown(run: seq<State>, t: nat, i: nat)
    requires IsRun(run) && t < |run| && i < |run[t].mesh.nodes|
    ensures var h, node := run[t].history, run[t].mesh.nodes[i];
      && Closed(h.made, node.applied)
      && IsCut(h, Below(node.applied))
      && Shows(h.made, Below(node.applied), node.cache)
  {
    Always(run, t);
    var m, h := run[t].mesh, run[t].history;
    assert NodeOk(|m.nodes|, i, m.nodes[i], h.made);
  }

  /** I3: what a session has seen every member has received. */
  lemma Received(run: seq<State>, t: nat, s: nat, i: nat)
    requires IsRun(run) && t < |run| && s < |run[t].mesh.sessions| && i < |run[t].mesh.nodes|
    ensures Within(run[t].mesh.sessions[s].visible, run[t].mesh.nodes[i].received)
  {
    Always(run, t);
    assert Everywhere(run[t].mesh, run[t].mesh.sessions[s].visible);
  }

  // No coordination.

  /** In every state every node can answer every session, at once and by itself: no message has to come first. */
  lemma NobodyWaits(run: seq<State>, t: nat, i: nat, s: nat, keys: set<Key>, changes: map<Key, Value>, time: nat)
    requires IsRun(run) && t < |run|
    requires i < |run[t].mesh.nodes| && s < |run[t].mesh.sessions|
    requires time > run[t].mesh.nodes[i].clock && time > run[t].mesh.sessions[s].time
    ensures Enabled(run[t].mesh, ReadStep(i, s, keys))
    ensures Enabled(run[t].mesh, WriteStep(i, s, changes, time))
    ensures IsOpen(run[t].mesh, s) ==> Enabled(run[t].mesh, SnapshotStep(i, s, keys)) && Enabled(run[t].mesh, CommitStep(i, s, changes, time))
  {
    Always(run, t);
    assert Everywhere(run[t].mesh, run[t].mesh.sessions[s].visible);
  }
}
