// What the cache shows (I4): the winner of each key, of exactly the writes that were put into it, in whichever order.

include "invariants.dfy"

module Showing {
  import opened Vectors
  import opened Writes
  import opened Nodes
  import opened Sessions
  import opened Meshes
  import opened Histories
  import opened Invariants

  lemma PutShows(made: Made, shown: iset<Dot>, cache: Cache, write: Write)
    requires Shows(made, shown, cache)
    requires write.dot in made && made[write.dot] == write
    ensures Shows(made, shown + iset{write.dot}, Put(cache, write))
  {
    var after := Put(cache, write);
    forall key: Key
      ensures HasWinner(made, shown + iset{write.dot}, key, after)
    {
      assert HasWinner(made, shown, key, cache);
    }
  }

  /** The writes of one replica between two counters, the first excluded. */
  function Between(replica: Replica, above: nat, upTo: nat): iset<Dot> {
    iset dot: Dot | dot.replica == replica && above < dot.counter <= upTo
  }

  predicate Holds(made: Made, log: Log, dots: iset<Dot>) {
    forall dot | dot in dots :: dot in log && dot in made && log[dot] == made[dot]
  }

  lemma ReplicaShows(made: Made, shown: iset<Dot>, cache: Cache, log: Log, replica: Replica, above: nat, upTo: nat)
    requires Shows(made, shown, cache)
    requires MadeNamed(made)
    requires Holds(made, log, Between(replica, above, upTo))
    ensures Shows(made, shown + Between(replica, above, upTo), ShowReplica(cache, log, replica, above, upTo))
    decreases upTo - above
  {
    if above >= upTo {
      assert shown + Between(replica, above, upTo) == shown;
    } else {
      var dot := Dot(replica, above + 1);
      assert dot in Between(replica, above, upTo);
      PutShows(made, shown, cache, log[dot]);
      ReplicaShows(made, shown + iset{dot}, Put(cache, log[dot]), log, replica, above + 1, upTo);
      assert shown + iset{dot} + Between(replica, above + 1, upTo) == shown + Between(replica, above, upTo);
    }
  }

  predicate MadeNamed(made: Made) {
    forall dot | dot in made :: made[dot].dot == dot
  }

  function BetweenAll(above: Vector, upTo: Vector, replicas: nat): iset<Dot> {
    iset dot: Dot | dot.replica < replicas && At(above, dot.replica) < dot.counter <= At(upTo, dot.replica)
  }

  lemma ReplicasShow(made: Made, shown: iset<Dot>, cache: Cache, log: Log, above: Vector, upTo: Vector, replicas: nat)
    requires Shows(made, shown, cache)
    requires MadeNamed(made)
    requires Holds(made, log, BetweenAll(above, upTo, replicas))
    ensures Shows(made, shown + BetweenAll(above, upTo, replicas), ShowReplicas(cache, log, above, upTo, replicas))
  {
    if replicas == 0 {
      assert shown + BetweenAll(above, upTo, replicas) == shown;
    } else {
      var last := replicas - 1;
      var before := shown + BetweenAll(above, upTo, last);
      ReplicasShow(made, shown, cache, log, above, upTo, last);
      ReplicaShows(made, before, ShowReplicas(cache, log, above, upTo, last), log, last, At(above, last), At(upTo, last));
      assert before + Between(last, At(above, last), At(upTo, last)) == shown + BetweenAll(above, upTo, replicas);
    }
  }

  /** A cache of what is within one vector becomes one of what is within a greater one. */
  lemma ShowShows(made: Made, cache: Cache, log: Log, above: Vector, upTo: Vector)
    requires Shows(made, Below(above), cache)
    requires MadeNamed(made)
    requires Within(above, upTo)
    requires Holds(made, log, Below(upTo))
    ensures Shows(made, Below(upTo), Show(cache, log, above, upTo))
  {
    ReplicasShow(made, Below(above), cache, log, above, upTo, |upTo|);
    var shown := Below(above) + BetweenAll(above, upTo, |upTo|);
    forall dot: Dot
      ensures dot in shown <==> dot in Below(upTo)
    {
      assert At(above, dot.replica) <= At(upTo, dot.replica);
    }
    assert shown == Below(upTo);
  }

  /** Writes that are made later change nothing about what is shown. */
  lemma ShowsLater(made: Made, later: Made, shown: iset<Dot>, cache: Cache)
    requires Shows(made, shown, cache)
    requires forall dot | dot in made :: dot in later && later[dot] == made[dot]
    requires forall dot | dot in shown :: dot in made
    ensures Shows(later, shown, cache)
  {
    forall key: Key
      ensures HasWinner(later, shown, key, cache)
    {
      assert HasWinner(made, shown, key, cache);
    }
  }

  /** The session's own writes compete with what the cache has. */
  lemma WinnerWins(made: Made, shown: iset<Dot>, best: Option<Version>, own: seq<Write>, key: Key)
    requires forall write | write in own :: write.dot in made && made[write.dot] == write
    requires best.Some? ==> best.value.dot in shown && IsVersionOf(made, best.value, key)
    requires forall dot | dot in shown && dot in made && key in made[dot].changes :: best.Some? && AtLeast(best.value, made[dot])
    ensures var winner := Winner(best, own, key);
      && (winner.Some? ==> winner.value.dot in shown + Dots(own) && IsVersionOf(made, winner.value, key))
      && forall dot | dot in shown + Dots(own) && dot in made && key in made[dot].changes :: winner.Some? && AtLeast(winner.value, made[dot])
    decreases |own|
  {
    if own == [] {
      assert shown + Dots(own) == shown;
    } else {
      var first := own[0];
      var isBetter := key in first.changes && (best.None? || Beats(first.time, first.dot, best.value.time, best.value.dot));
      var better := if isBetter then Some(VersionIn(first, key)) else best;
      var more := shown + iset{first.dot};
      WinnerWins(made, more, better, own[1..], key);
      assert more + Dots(own[1..]) == shown + Dots(own) by {
        forall dot: Dot
          ensures dot in more + Dots(own[1..]) <==> dot in shown + Dots(own)
        {
          if dot in Dots(own) {
            var write :| write in own && write.dot == dot;
            assert write == first || write in own[1..];
          }
        }
      }
    }
  }

  lemma AnswersWin(made: Made, shown: iset<Dot>, cache: Cache, own: seq<Write>, keys: set<Key>)
    requires Shows(made, shown, cache)
    requires forall write | write in own :: write.dot in made && made[write.dot] == write
    ensures forall key | key in keys :: HasWinner(made, shown + Dots(own), key, Answers(cache, own, keys))
  {
    forall key | key in keys
      ensures HasWinner(made, shown + Dots(own), key, Answers(cache, own, keys))
    {
      assert HasWinner(made, shown, key, cache);
      WinnerWins(made, shown, if key in cache then Some(cache[key]) else None, own, key);
    }
  }
}
