// A session (design section 4): what it has seen, and its own writes that the node where it goes on may not show yet.
// packages/core/src/client/session.ts and own-writes.ts are this in TypeScript.

include "node.dfy"

module Sessions {
  import opened Vectors
  import opened Writes
  import opened Nodes

  /**
   * A transaction that is open (design section 10): its snapshot, the session's own writes in flight when that was fixed, and what was read.
   * What it has buffered is the business of the client alone until the commit.
   */
  datatype Transaction = Transaction(snapshot: Vector, own: seq<Write>, keys: set<Key>, answers: map<Key, Version>)

  /** `time` is the latest timestamp of its own writes, and of those of sessions that it has joined. */
  datatype Session = Session(visible: Vector, own: seq<Write>, written: Vector, time: nat, transaction: Option<Transaction>)

  function method NewSession(): Session {
    Session([], [], [], 0, None)
  }

  /** The winner of what the cache has and of the session's own writes. */
  function method Winner(best: Option<Version>, own: seq<Write>, key: Key): Option<Version>
    decreases |own|
  {
    if own == [] then best
    else
      var first := own[0];
      var isBetter := key in first.changes && (best.None? || Beats(first.time, first.dot, best.value.time, best.value.dot));
      Winner(if isBetter then Some(VersionIn(first, key)) else best, own[1..], key)
  }

  function method Answer(cache: Cache, own: seq<Write>, key: Key): Option<Version> {
    Winner(if key in cache then Some(cache[key]) else None, own, key)
  }

  /** The answer to a read of several keys; of one that was never written there is none. */
  function method Answers(cache: Cache, own: seq<Write>, keys: set<Key>): map<Key, Version> {
    map key | key in keys && Answer(cache, own, key).Some? :: Answer(cache, own, key).value
  }

  function method Drop(own: seq<Write>, applied: Vector): seq<Write>
    ensures forall write :: write in Drop(own, applied) <==> write in own && !Has(applied, write.dot)
  {
    if own == [] then []
    else if Has(applied, own[0].dot) then Drop(own[1..], applied)
    else [own[0]] + Drop(own[1..], applied)
  }

  /** Follows the node that has just answered. The timestamp stays: whatever the node shows, every node has received with its timestamp. */
  function method Follow(session: Session, node: Node): Session {
    var own := Drop(session.own, node.applied);
    session.(
      visible := Join(session.visible, node.applied),
      own := own,
      written := if own == [] then [] else session.written)
  }

  function method Wrote(session: Session, write: Write): Session {
    session.(own := session.own + [write], written := Join(session.written, write.vector), time := Max(session.time, write.time))
  }

  /** Takes over what another session knows: so branches of a workflow begin, and so they meet again. */
  function method Joined(session: Session, other: Session): Session {
    session.(
      visible := Join(session.visible, other.visible),
      own := session.own + other.own,
      written := Join(session.written, other.written),
      time := Max(session.time, other.time))
  }

  // Transactions.

  /** What a node answers from a snapshot: the winners of the writes within it and of the session's own. */
  function method SnapshotAnswers(log: Log, transaction: Transaction, keys: set<Key>): map<Key, Version> {
    Answers(Show(map[], log, [], transaction.snapshot), transaction.own, keys)
  }

  function method HasRead(transaction: Transaction, keys: set<Key>, answers: map<Key, Version>): Transaction {
    var before := transaction.answers;
    transaction.(
      keys := transaction.keys + keys,
      answers := map key | key in before.Keys + answers.Keys && (if key in keys then key in answers else key in before) :: if key in keys then answers[key] else before[key])
  }

  /** Whether all that was read is the same where a node shows this. */
  predicate method IsUnchanged(transaction: Transaction, cache: Cache) {
    Answers(cache, transaction.own, transaction.keys) == transaction.answers
  }
}
