// Writes, the total order among them, and what a cache makes of them (design section 5).

include "vectors.dfy"

module Writes {
  import opened Vectors

  type Key = nat

  /** A deletion is a value like any other: it wins and loses by the same order. */
  type Value = nat

  /** One or more keys changed together: one dot, one vector, one timestamp. */
  datatype Write = Write(dot: Dot, vector: Vector, time: nat, changes: map<Key, Value>)

  /** What a key shows, and by which write. */
  datatype Version = Version(dot: Dot, time: nat, value: Value)

  datatype Option<T> = None | Some(value: T)

  type Log = map<Dot, Write>
  type Cache = map<Key, Version>

  function method VersionIn(write: Write, key: Key): Version
    requires key in write.changes
  {
    Version(write.dot, write.time, write.changes[key])
  }

  /** The total order: by the writes' own stamps. */
  predicate method Beats(time: nat, dot: Dot, overTime: nat, overDot: Dot) {
    time > overTime || (time == overTime && dot.replica > overDot.replica)
  }

  /** The cache with one more write in it: of each key the winner stays. */
  function method Put(cache: Cache, write: Write): Cache {
    map key | key in cache.Keys + write.changes.Keys ::
      if key in write.changes && (key in cache ==> Beats(write.time, write.dot, cache[key].time, cache[key].dot))
      then VersionIn(write, key)
      else cache[key]
  }

  /** Two caches in one: of each key the winner stays. So a store takes a batch, and repeating or reordering batches is harmless. */
  function method Merge(cache: Cache, batch: Cache): Cache {
    map key | key in cache.Keys + batch.Keys ::
      if key in batch && (key in cache ==> Beats(batch[key].time, batch[key].dot, cache[key].time, cache[key].dot))
      then batch[key]
      else cache[key]
  }

  /** The cache with the writes of one replica between two counters in it, the first excluded. */
  function method ShowReplica(cache: Cache, log: Log, replica: Replica, above: nat, upTo: nat): Cache
    decreases upTo - above
  {
    if above >= upTo then cache
    else
      var dot := Dot(replica, above + 1);
      ShowReplica(if dot in log then Put(cache, log[dot]) else cache, log, replica, above + 1, upTo)
  }

  /** The same for the first so many replicas. */
  function method ShowReplicas(cache: Cache, log: Log, above: Vector, upTo: Vector, replicas: nat): Cache {
    if replicas == 0 then cache
    else
      var before := ShowReplicas(cache, log, above, upTo, replicas - 1);
      ShowReplica(before, log, replicas - 1, At(above, replicas - 1), At(upTo, replicas - 1))
  }

  /** The cache of what is within `above`, made into that of what is within `upTo`. */
  function method Show(cache: Cache, log: Log, above: Vector, upTo: Vector): Cache {
    ShowReplicas(cache, log, above, upTo, |upTo|)
  }
}
