// The invariants hold in every state that the mesh can come to: from `Init` and `Next` alone.

include "transactions.dfy"

module Induction {
  import opened Meshes
  import opened Histories
  import opened Invariants
  import opened LinkSteps
  import opened SessionSteps
  import opened WriteSteps
  import opened Transactions

  lemma StepOk(m: Mesh, h: History, step: Step)
    requires Inv(m, h) && OpensOk(m, h) && Enabled(m, step)
    ensures Inv(Take(m, step), Record(m, h, step))
  {
    match step {
      case WriteStep(i, s, changes, time) => WriteStepOk(m, h, step);
      case ReadStep(i, s, keys) => ReadStepOk(m, h, step);
      case JoinStep(s, other) => JoinStepOk(m, h, step);
      case BeginStep(i, s) =>
        AskStepOk(m, h, i, s);
        Aside(Take(m, ReadStep(i, s, {})), h, Take(m, step), Record(m, h, step), s);
      case SnapshotStep(i, s, keys) => SnapshotStepOk(m, h, step);
      case ExtendStep(i, s) =>
        AskStepOk(m, h, i, s);
        Aside(Take(m, ReadStep(i, s, {})), h, Take(m, step), Record(m, h, step), s);
      case CommitStep(i, s, changes, time) =>
        var write := WriteStep(i, s, changes, time);
        WriteStepOk(m, h, write);
        Aside(Take(m, write), Record(m, h, write), Take(m, step), Record(m, h, step), s);
      case EndStep(s) => Aside(m, h, Take(m, step), Record(m, h, step), s);
      case SendStep(i, replica) => SendOk(m, h, step);
      case PassStep(i) => PassOk(m, h, step);
      case ReceiveStep(l) => if m.links[l].flight[0].Segment? { ReceiveSegmentOk(m, h, step); } else { ReceiveCommonOk(m, h, step); }
      case BreakStep(l) => BreakOk(m, h, step);
      case ApplyStep(i) => ApplyStepOk(m, h, step);
      case CollectStep(i) => StoreStepOk(m, h, step);
      case FlushStep(i) => StoreStepOk(m, h, step);
      case StoredStep(i) => StoreStepOk(m, h, step);
    }
  }

  /** A run of the mesh: any number of steps from the beginning. */
  predicate IsRun(run: seq<State>) {
    && |run| > 0
    && InitState(run[0])
    && (forall t | 0 <= t < |run| :: IsState(run[t]))
    && forall t | 0 <= t < |run| - 1 :: NextState(run[t], run[t + 1])
  }

  lemma Always(run: seq<State>, t: nat)
    requires IsRun(run) && t < |run|
    ensures Inv(run[t].mesh, run[t].history) && OpensOk(run[t].mesh, run[t].history)
  {
    if t == 0 {
      Initially(run[0].mesh, run[0].history);
    } else {
      Always(run, t - 1);
      var before := run[t - 1];
      assert NextState(before, run[t - 1 + 1]);
      var step :| Enabled(before.mesh, step) && run[t] == State(Take(before.mesh, step), Record(before.mesh, before.history, step));
      OpensKeep(before.mesh, before.history, step);
      StepOk(before.mesh, before.history, step);
    }
  }
}
