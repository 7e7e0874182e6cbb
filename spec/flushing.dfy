// The store is a causal cut (I6), whichever node writes to it, whenever: with each write it has all that this followed, and of each key it has
// the winner of exactly the writes that it has.

include "induction.dfy"

module Flushing {
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
  import opened WriteSteps
  import opened Induction

  predicate StoreOk(made: Made, store: Store) {
    Closed(made, store.flushed) && Shows(made, Below(store.flushed), store.rows)
  }

  /** What is known to be flushed is in the store, and closed. */
  predicate FlushedOk(made: Made, store: Store, flushed: Vector) {
    Closed(made, flushed) && Within(flushed, store.flushed)
  }

  predicate BatchOk(made: Made, store: Store, batch: Batch) {
    && Within(batch.above, store.flushed)
    && Closed(made, batch.upTo)
    && Shows(made, BetweenAll(batch.above, batch.upTo, |batch.upTo|), batch.rows)
  }

  predicate FlushNodeOk(made: Made, store: Store, node: Node) {
    && FlushedOk(made, store, node.flushed)
    && (node.batch.Some? ==> BatchOk(made, store, node.batch.value))
  }

  predicate FlushMessageOk(made: Made, store: Store, message: Message) {
    message.Common? ==> FlushedOk(made, store, message.flushed)
  }

  predicate FlushOk(m: Mesh, made: Made) {
    && StoreOk(made, m.store)
    && (forall i | 0 <= i < |m.nodes| :: FlushNodeOk(made, m.store, m.nodes[i]))
    && (forall l, x | 0 <= l < |m.links| && 0 <= x < |m.links[l].flight| :: FlushMessageOk(made, m.store, m.links[l].flight[x]))
  }

  lemma MergeShows(made: Made, shown: iset<Dot>, cache: Cache, more: iset<Dot>, batch: Cache)
    requires Shows(made, shown, cache) && Shows(made, more, batch)
    ensures Shows(made, shown + more, Merge(cache, batch))
  {
    forall key: Key
      ensures HasWinner(made, shown + more, key, Merge(cache, batch))
    {
      assert HasWinner(made, shown, key, cache) && HasWinner(made, more, key, batch);
    }
  }

  lemma FlushStepOk(made: Made, store: Store, batch: Batch)
    requires StoreOk(made, store) && BatchOk(made, store, batch)
    ensures StoreOk(made, Store(Merge(store.rows, batch.rows), Join(store.flushed, batch.upTo)))
  {
    var more := BetweenAll(batch.above, batch.upTo, |batch.upTo|);
    var flushed := Join(store.flushed, batch.upTo);
    ClosedJoin(made, store.flushed, batch.upTo);
    MergeShows(made, Below(store.flushed), store.rows, more, batch.rows);
    forall dot: Dot
      ensures dot in Below(store.flushed) + more <==> dot in Below(flushed)
    {
      assert At(batch.above, dot.replica) <= At(store.flushed, dot.replica);
    }
    assert Below(store.flushed) + more == Below(flushed);
  }

  lemma CollectOk(size: nat, i: nat, made: Made, store: Store, node: Node)
    requires NodeOk(size, i, node, made) && MadeOk(size, made) && FlushNodeOk(made, store, node)
    ensures FlushNodeOk(made, store, Collect(node))
  {
    ReplicasShow(made, iset{}, map[], node.log, node.flushed, node.applied, |node.applied|);
    var more := BetweenAll(node.flushed, node.applied, |node.applied|);
    assert iset{} + more == more;
  }

  /** The store has more, and more writes have been made. */
  predicate StoreLater(made: Made, store: Store, later: Made, laterStore: Store) {
    Later(made, later) && Within(store.flushed, laterStore.flushed)
  }

  lemma FlushedLater(made: Made, store: Store, later: Made, laterStore: Store, flushed: Vector)
    requires StoreLater(made, store, later, laterStore) && FlushedOk(made, store, flushed)
    ensures FlushedOk(later, laterStore, flushed)
  {
    ClosedLater(made, later, flushed);
  }

  lemma FlushNodeLater(size: nat, made: Made, store: Store, later: Made, laterStore: Store, node: Node)
    requires StoreLater(made, store, later, laterStore) && FlushNodeOk(made, store, node)
    ensures FlushNodeOk(later, laterStore, node)
  {
    FlushedLater(made, store, later, laterStore, node.flushed);
    if node.batch.Some? {
      var batch := node.batch.value;
      ClosedLater(made, later, batch.upTo);
      ShowsLater(made, later, BetweenAll(batch.above, batch.upTo, |batch.upTo|), batch.rows);
    }
  }

  lemma FlushKeeps(m: Mesh, h: History, step: Step)
    requires Inv(m, h) && FlushOk(m, h.made) && Enabled(m, step)
    ensures FlushOk(Take(m, step), Record(m, h, step).made)
  {
    var after := Take(m, step);
    var later := Record(m, h, step).made;
    if step.WriteStep? {
      PastLater(m, h, step);
    }
    assert Later(h.made, later);
    StoreKeeps(m, h, step);
    NodesKeep(m, h, step);
    MessagesKeep(m, h, step);
  }

  lemma StoreKeeps(m: Mesh, h: History, step: Step)
    requires Inv(m, h) && FlushOk(m, h.made) && Enabled(m, step) && Later(h.made, Record(m, h, step).made)
    ensures StoreOk(Record(m, h, step).made, Take(m, step).store)
    ensures StoreLater(h.made, m.store, Record(m, h, step).made, Take(m, step).store)
  {
    var later := Record(m, h, step).made;
    if step.FlushStep? {
      FlushStepOk(h.made, m.store, m.nodes[step.node].batch.value);
    } else {
      assert Take(m, step).store == m.store;
      ClosedLater(h.made, later, m.store.flushed);
      ShowsLater(h.made, later, Below(m.store.flushed), m.store.rows);
    }
  }

  lemma NodesKeep(m: Mesh, h: History, step: Step)
    requires Inv(m, h) && FlushOk(m, h.made) && Enabled(m, step)
    requires StoreLater(h.made, m.store, Record(m, h, step).made, Take(m, step).store)
    ensures var after := Take(m, step); forall i | 0 <= i < |after.nodes| :: FlushNodeOk(Record(m, h, step).made, after.store, after.nodes[i])
  {
    var after := Take(m, step);
    var later := Record(m, h, step).made;
    forall i | 0 <= i < |after.nodes|
      ensures FlushNodeOk(later, after.store, after.nodes[i])
    {
      var node := m.nodes[i];
      FlushNodeLater(|m.nodes|, h.made, m.store, later, after.store, node);
      if step.CollectStep? && step.node == i {
        assert NodeOk(|m.nodes|, i, node, h.made);
        CollectOk(|m.nodes|, i, h.made, m.store, node);
      } else if step.StoredStep? && step.node == i {
        ClosedJoin(h.made, node.flushed, m.store.flushed);
      } else if step.ReceiveStep? && Successor(|m.nodes|, step.link) == i {
        var message := m.links[step.link].flight[0];
        if message.Common? {
          assert FlushMessageOk(h.made, m.store, message);
          ClosedJoin(h.made, node.flushed, message.flushed);
        }
      } else {
        assert after.nodes[i].flushed == node.flushed && after.nodes[i].batch == node.batch;
      }
    }
  }

  lemma MessagesKeep(m: Mesh, h: History, step: Step)
    requires Inv(m, h) && FlushOk(m, h.made) && Enabled(m, step)
    requires StoreLater(h.made, m.store, Record(m, h, step).made, Take(m, step).store)
    ensures var after := Take(m, step);
      forall l, x | 0 <= l < |after.links| && 0 <= x < |after.links[l].flight| :: FlushMessageOk(Record(m, h, step).made, after.store, after.links[l].flight[x])
  {
    var after := Take(m, step);
    var later := Record(m, h, step).made;
    forall l, x | 0 <= l < |after.links| && 0 <= x < |after.links[l].flight|
      ensures FlushMessageOk(later, after.store, after.links[l].flight[x])
    {
      var message := after.links[l].flight[x];
      if step.ReceiveStep? && step.link == l {
        assert message == m.links[l].flight[x + 1];
        assert FlushMessageOk(h.made, m.store, message);
      } else if x < |m.links[l].flight| {
        assert message == m.links[l].flight[x];
        assert FlushMessageOk(h.made, m.store, message);
      } else {
        assert message.Common? ==> message.flushed == m.nodes[l].flushed;
        assert FlushNodeOk(h.made, m.store, m.nodes[l]);
      }
      if message.Common? {
        FlushedLater(h.made, m.store, later, after.store, message.flushed);
      }
    }
  }

  lemma AlwaysFlush(run: seq<State>, t: nat)
    requires IsRun(run) && t < |run|
    ensures Inv(run[t].mesh, run[t].history)
    ensures FlushOk(run[t].mesh, run[t].history.made)
  {
    Always(run, t);
    if t > 0 {
      AlwaysFlush(run, t - 1);
      var before := run[t - 1];
      assert NextState(before, run[t - 1 + 1]);
      var step :| Enabled(before.mesh, step) && run[t] == State(Take(before.mesh, step), Record(before.mesh, before.history, step));
      FlushKeeps(before.mesh, before.history, step);
    }
  }

  /** I6: a write that is in the store has all that it followed there, and of each key the store has the winner. */
  lemma TheStoreIsACut(run: seq<State>, t: nat)
    requires IsRun(run) && t < |run|
    ensures var h, store := run[t].history, run[t].mesh.store;
      && (forall dot | Has(store.flushed, dot) :: dot in h.past && h.past[dot] <= Below(store.flushed))
      && (forall key: Key :: HasWinner(h.made, Below(store.flushed), key, store.rows))
  {
    AlwaysFlush(run, t);
  }

  /** What a node takes for flushed is in the store. */
  lemma FlushedIsStored(run: seq<State>, t: nat, i: nat)
    requires IsRun(run) && t < |run| && i < |run[t].mesh.nodes|
    ensures Within(run[t].mesh.nodes[i].flushed, run[t].mesh.store.flushed)
  {
    AlwaysFlush(run, t);
    assert FlushNodeOk(run[t].history.made, run[t].mesh.store, run[t].mesh.nodes[i]);
  }
}
