// The invariants hold in every state that the mesh can come to: from `Init` and `Next` alone.

include "write-step.dfy"

module Induction {
  import opened Meshes
  import opened Histories
  import opened Invariants
  import opened LinkSteps
  import opened SessionSteps
  import opened WriteSteps

  lemma StepOk(m: Mesh, h: History, step: Step)
    requires Inv(m, h) && Enabled(m, step)
    ensures Inv(Take(m, step), Record(m, h, step))
  {
    match step {
      case WriteStep(i, s, changes, time) => WriteStepOk(m, h, step);
      case ReadStep(i, s, keys) => ReadStepOk(m, h, step);
      case JoinStep(s, other) => JoinStepOk(m, h, step);
      case SendStep(i, replica) => SendOk(m, h, step);
      case PassStep(i) => PassOk(m, h, step);
      case ReceiveStep(l) => ReceiveStepOk(m, h, step);
      case BreakStep(l) => BreakOk(m, h, step);
      case ApplyStep(i) => ApplyStepOk(m, h, step);
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
    ensures Inv(run[t].mesh, run[t].history)
  {
    if t == 0 {
      Initially(run[0].mesh, run[0].history);
    } else {
      Always(run, t - 1);
      var before := run[t - 1];
      assert NextState(before, run[t - 1 + 1]);
      var step :| Enabled(before.mesh, step) && run[t] == State(Take(before.mesh, step), Record(before.mesh, before.history, step));
      StepOk(before.mesh, before.history, step);
    }
  }
}
