// Version vectors: replica → counter, "every write of that replica up to that counter".
//
// A replica that a vector does not name counts as 0. So there is no length to agree about, and a vector that was made before a
// replica was heard of needs no change.

module Vectors {
  type Replica = nat

  /** The name of a write: the replica that made it, and its number there, from 1. */
  datatype Dot = Dot(replica: Replica, counter: nat)

  type Vector = seq<nat>

  function method At(v: Vector, replica: Replica): nat {
    if replica < |v| then v[replica] else 0
  }

  /** Whether a vector holds a write. */
  predicate method Has(v: Vector, dot: Dot) {
    1 <= dot.counter <= At(v, dot.replica)
  }

  /** a ≤ b in every entry. */
  predicate method Within(a: Vector, b: Vector)
    ensures Within(a, b) <==> forall replica: Replica :: At(a, replica) <= At(b, replica)
  {
    var within := forall replica | 0 <= replica < |a| :: a[replica] <= At(b, replica);
    assert within ==> forall replica: Replica :: At(a, replica) <= At(b, replica);
    assert (forall replica: Replica :: At(a, replica) <= At(b, replica)) ==> forall replica | 0 <= replica < |a| :: At(a, replica) <= At(b, replica);
    within
  }

  /** The same counters, however long the sequences are. */
  predicate Same(a: Vector, b: Vector) {
    forall replica: Replica :: At(a, replica) == At(b, replica)
  }

  function method Max(a: nat, b: nat): nat {
    if a < b then b else a
  }

  /** The entry-wise maximum. */
  function method Join(a: Vector, b: Vector): Vector
    ensures forall replica: Replica :: At(Join(a, b), replica) == Max(At(a, replica), At(b, replica))
  {
    JoinUpTo(a, b, Max(|a|, |b|))
  }

  function method JoinUpTo(a: Vector, b: Vector, size: nat): Vector
    ensures |JoinUpTo(a, b, size)| == size
    ensures forall replica | 0 <= replica < size :: JoinUpTo(a, b, size)[replica] == Max(At(a, replica), At(b, replica))
  {
    if size == 0 then [] else JoinUpTo(a, b, size - 1) + [Max(At(a, size - 1), At(b, size - 1))]
  }

  /** The vector with one entry set. */
  function method Set(v: Vector, replica: Replica, counter: nat): Vector
    ensures forall other: Replica :: At(Set(v, replica, counter), other) == if other == replica then counter else At(v, other)
  {
    if replica < |v| then v[replica := counter] else v + Zeros(replica - |v|) + [counter]
  }

  function method Zeros(size: nat): Vector
    ensures |Zeros(size)| == size
    ensures forall replica | 0 <= replica < size :: Zeros(size)[replica] == 0
  {
    if size == 0 then [] else Zeros(size - 1) + [0]
  }
}
