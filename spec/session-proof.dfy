// What happens to a session keeps its own part of the invariants: all that it has seen is within its vector, or among its own writes.

include "node-proof.dfy"

module SessionProof {
  import opened Vectors
  import opened Writes
  import opened Nodes
  import opened Sessions
  import opened Meshes
  import opened Histories
  import opened Invariants
  import opened NodeProof

  /** The truth about earlier writes does not change. */
  predicate LaterHistory(h: History, later: History) {
    Later(h.made, later.made) && forall dot | dot in h.past :: dot in later.past && later.past[dot] == h.past[dot]
  }

  lemma SessionLater(session: Session, seen: iset<Dot>, h: History, later: History)
    requires LaterHistory(h, later)
    requires SessionOk(session, seen, h)
    ensures SessionOk(session, seen, later)
  {
  }

  /** Own writes are dropped when the node shows them; then they are within the session's vector. */
  lemma FollowOk(session: Session, seen: iset<Dot>, h: History, node: Node)
    requires SessionOk(session, seen, h)
    requires Closed(h.made, node.applied)
    ensures SessionOk(Follow(session, node), seen, h)
  {
    var after := Follow(session, node);
    ClosedJoin(h.made, session.visible, node.applied);
    forall dot | dot in seen
      ensures dot in Below(after.visible) + Dots(after.own)
    {
      if !Has(session.visible, dot) {
        assert IsAmong(dot, session.own);
        var write :| write in session.own && write.dot == dot;
        if !Has(node.applied, dot) {
          assert write in after.own;
        }
      }
    }
  }

  lemma WroteOk(session: Session, seen: iset<Dot>, h: History, write: Write)
    requires SessionOk(session, seen, h)
    requires write.dot in h.made && h.made[write.dot] == write && Closed(h.made, write.vector) && UpTo(h.made, write.vector, write.time)
    requires write.dot in h.past && h.past[write.dot] == seen + iset{write.dot}
    ensures SessionOk(Wrote(session, write), seen + iset{write.dot}, h)
  {
    var after := Wrote(session, write);
    ClosedJoin(h.made, session.written, write.vector);
    forall dot | Has(after.written, dot)
      ensures dot in h.made && h.made[dot].time <= after.time
    {
      assert Has(session.written, dot) || Has(write.vector, dot);
    }
    assert write in after.own;
    forall dot | dot in seen + iset{write.dot}
      ensures dot in Below(after.visible) + Dots(after.own)
    {
      if dot != write.dot && IsAmong(dot, session.own) {
        var one :| one in session.own && one.dot == dot;
        assert one in after.own;
      }
    }
  }

  /** What a session sees with an answer is within what the node showed, or it had seen it before. */
  lemma SeenOk(session: Session, seen: iset<Dot>, h: History, answers: map<Key, Version>)
    requires SessionOk(session, seen, h) && PastOk(h)
    requires forall key | key in answers :: answers[key].dot in h.made && answers[key].dot in Below(session.visible) + seen
    ensures SessionOk(session, seen + PastOf(h, answers), h)
  {
    forall dot | dot in PastOf(h, answers)
      ensures dot in Below(session.visible) + seen
      ensures dot in h.past && h.past[dot] <= PastOf(h, answers)
    {
      assert IsBehind(dot, h, answers);
      var key :| key in answers && answers[key].dot in h.past && dot in h.past[answers[key].dot];
      forall earlier | earlier in h.past[dot]
        ensures earlier in PastOf(h, answers)
      {
        assert IsBehind(earlier, h, answers);
      }
    }
  }

  lemma JoinedOk(session: Session, seen: iset<Dot>, other: Session, otherSeen: iset<Dot>, h: History)
    requires SessionOk(session, seen, h) && SessionOk(other, otherSeen, h)
    ensures SessionOk(Joined(session, other), seen + otherSeen, h)
  {
    var after := Joined(session, other);
    ClosedJoin(h.made, session.visible, other.visible);
    ClosedJoin(h.made, session.written, other.written);
    forall dot | Has(after.written, dot)
      ensures dot in h.made && h.made[dot].time <= after.time
    {
      assert Has(session.written, dot) || Has(other.written, dot);
    }
    forall dot | dot in seen + otherSeen
      ensures dot in Below(after.visible) + Dots(after.own)
    {
      if IsAmong(dot, session.own) {
        var write :| write in session.own && write.dot == dot;
        assert write in after.own;
      } else if IsAmong(dot, other.own) {
        var write :| write in other.own && write.dot == dot;
        assert write in after.own;
      }
    }
  }
}
