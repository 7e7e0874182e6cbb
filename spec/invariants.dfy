// What holds in every state. `Inv` is the conjunction; I1 to I5 are the numbers of the design.

include "history.dfy"

module Invariants {
  import opened Vectors
  import opened Writes
  import opened Nodes
  import opened Sessions
  import opened Meshes
  import opened Histories

  type Made = map<Dot, Write>

  // The writes that were made.

  /** Every write within the vector has its own vector within it. */
  predicate Closed(made: Made, v: Vector) {
    forall dot | Has(v, dot) :: dot in made && Within(made[dot].vector, v)
  }

  predicate MadeOk(size: nat, made: Made) {
    forall dot | dot in made ::
      made[dot].dot == dot && dot.replica < size && 1 <= dot.counter == At(made[dot].vector, dot.replica) && Closed(made, made[dot].vector)
  }

  /** Timestamps never go backwards along causality. */
  predicate TimesOk(made: Made) {
    forall dot, earlier | dot in made && earlier in made && Has(made[dot].vector, earlier) && earlier != dot :: made[earlier].time < made[dot].time
  }

  /** The truth is transitive, and a write's vector holds all of it. */
  predicate PastOk(h: History) {
    && (forall dot | dot in h.past :: dot in h.made)
    && forall dot | dot in h.made ::
      dot in h.past && dot in h.past[dot] && h.past[dot] <= Below(h.made[dot].vector)
      && forall earlier | earlier in h.past[dot] :: earlier in h.past && h.past[earlier] <= h.past[dot]
  }

  /** With each write all that it followed. */
  predicate IsCut(h: History, shown: iset<Dot>) {
    forall dot | dot in shown :: dot in h.made && dot in h.past && h.past[dot] <= shown
  }

  predicate UpTo(made: Made, v: Vector, time: nat) {
    forall dot | Has(v, dot) :: dot in made && made[dot].time <= time
  }

  // What is shown.

  predicate IsVersion(made: Made, version: Version) {
    && version.dot in made
    && version.time == made[version.dot].time
  }

  predicate IsVersionOf(made: Made, version: Version, key: Key) {
    IsVersion(made, version) && key in made[version.dot].changes && version.value == made[version.dot].changes[key]
  }

  predicate AtLeast(version: Version, write: Write) {
    !Beats(write.time, write.dot, version.time, version.dot)
  }

  /** Of these writes, `versions` has the winner of this key; nothing, where none of them changes it. */
  predicate HasWinner(made: Made, shown: iset<Dot>, key: Key, versions: map<Key, Version>) {
    && (key in versions ==> versions[key].dot in shown && IsVersionOf(made, versions[key], key))
    && (forall dot | dot in shown && dot in made && key in made[dot].changes :: key in versions && AtLeast(versions[key], made[dot]))
  }

  predicate Shows(made: Made, shown: iset<Dot>, cache: Cache) {
    forall key: Key :: HasWinner(made, shown, key, cache)
  }

  // Each part by itself.

  predicate LogOk(made: Made, node: Node) {
    forall dot | Has(node.received, dot) :: dot in node.log && dot in made && node.log[dot] == made[dot]
  }

  predicate NodeOk(size: nat, i: nat, node: Node, made: Made) {
    && LogOk(made, node)
    && Within(node.applied, node.common)
    && Within(node.common, node.received)
    && Closed(made, node.applied) // I2
    && Closed(made, node.issued)
    && At(node.issued, i) == At(node.received, i)
    && UpTo(made, node.received, node.clock)
    && UpTo(made, node.issued, node.clock)
    && Shows(made, Below(node.applied), node.cache) // I4
    && (forall replica | IsTail(size, i, replica) :: At(node.common, replica) == At(node.received, replica))
  }

  predicate SessionOk(session: Session, seen: iset<Dot>, h: History) {
    && Closed(h.made, session.visible)
    && Closed(h.made, session.written)
    && UpTo(h.made, session.written, session.time)
    && (forall write | write in session.own ::
        write.dot in h.made && h.made[write.dot] == write && Within(write.vector, session.written) && write.dot in seen)
    && seen <= Below(session.visible) + Dots(session.own)
    && (forall dot | dot in seen :: dot in h.past && h.past[dot] <= seen)
  }

  // The parts together.

  predicate NodesOk(m: Mesh, made: Made) {
    forall i | 0 <= i < |m.nodes| :: NodeOk(|m.nodes|, i, m.nodes[i], made)
  }

  predicate SessionsOk(m: Mesh, h: History)
    requires IsHistory(m, h)
  {
    forall s | 0 <= s < |m.sessions| :: SessionOk(m.sessions[s], h.seen[s], h)
  }

  /** A replica has all writes that it made. */
  predicate OwnersOk(m: Mesh, made: Made) {
    forall dot | dot in made :: dot.replica < |m.nodes| && Has(m.nodes[dot.replica].received, dot)
  }

  /** How far a node is behind a replica on the ring. */
  function Distance(size: nat, replica: nat, node: nat): int {
    if replica <= node then node - replica else node - replica + size
  }

  /** Writes go round the ring: who is nearer to their replica has more of them. */
  predicate {:opaque} RingOk(m: Mesh) {
    forall replica: nat, near: nat, far: nat | replica < |m.nodes| && near < |m.nodes| && far < |m.nodes| && Distance(|m.nodes|, replica, near) <= Distance(|m.nodes|, replica, far) ::
      At(m.nodes[far].received, replica) <= At(m.nodes[near].received, replica)
  }

  /** Every member has received it. */
  predicate Everywhere(m: Mesh, v: Vector) {
    forall i | 0 <= i < |m.nodes| :: Within(v, m.nodes[i].received)
  }

  /** I1 for the nodes, and for what they have told their successors. */
  predicate CommonOk(m: Mesh) {
    && (forall i | 0 <= i < |m.nodes| :: Everywhere(m, m.nodes[i].common))
    && (forall l, x | 0 <= l < |m.links| && 0 <= x < |m.links[l].flight| && m.links[l].flight[x].Common? :: Everywhere(m, m.links[l].flight[x].common))
  }

  /** I3. */
  predicate VisibleOk(m: Mesh) {
    forall s | 0 <= s < |m.sessions| :: Everywhere(m, m.sessions[s].visible)
  }

  /** On a link are writes which its sender has, and none of its receiver's own. */
  predicate OnLinkOk(m: Mesh, made: Made, l: nat, write: Write)
    requires l < |m.nodes|
  {
    write.dot in made && made[write.dot] == write && Has(m.nodes[l].received, write.dot) && !IsTail(|m.nodes|, l, write.dot.replica)
  }

  predicate LinksOk(m: Mesh, made: Made)
    requires IsMesh(m)
  {
    forall l, x | 0 <= l < |m.links| && 0 <= x < |m.links[l].flight| && m.links[l].flight[x].Segment? :: OnLinkOk(m, made, l, m.links[l].flight[x].write)
  }

  predicate Inv(m: Mesh, h: History) {
    && IsMesh(m)
    && IsHistory(m, h)
    && MadeOk(|m.nodes|, h.made)
    && TimesOk(h.made)
    && PastOk(h)
    && NodesOk(m, h.made)
    && SessionsOk(m, h)
    && OwnersOk(m, h.made)
    && RingOk(m)
    && CommonOk(m)
    && VisibleOk(m)
    && LinksOk(m, h.made)
  }

  lemma Initially(m: Mesh, h: History)
    requires Init(m) && InitHistory(m, h)
    ensures Inv(m, h)
  {
    reveal RingOk();
  }
}
