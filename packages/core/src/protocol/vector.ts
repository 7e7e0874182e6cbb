// Version vectors. A node keeps its own as plain arrays in ring order (node.ts); this is the form that leaves the node: in
// sessions, headers and tokens, where the members of different views meet.

/**
 * replica id → counter: every write of that replica with a counter up to that number. Immutable, so that it is shared by
 * reference and compared by reference first. Replica ids ascend; counters are at least 1; an absent replica counts as 0.
 */
export interface Vector {
  readonly replicas: readonly number[];
  readonly counters: readonly number[];
}

export const EMPTY_VECTOR: Vector = { replicas: [], counters: [] };

/** The vector of pairs in any order; of a replica that stands twice the greater counter counts, and zeros are left out. */
export function vectorOf(pairs: Iterable<readonly [replica: number, counter: number]>): Vector {
  const greatest = new Map<number, number>();
  for (const [replica, counter] of pairs) {
    if (counter > (greatest.get(replica) ?? 0)) greatest.set(replica, counter);
  }
  const replicas = [...greatest.keys()].sort((a, b) => a - b);
  return { replicas, counters: replicas.map((replica) => greatest.get(replica)!) };
}

export function counterOf(vector: Vector, replica: number): number {
  const index = vector.replicas.indexOf(replica);
  return index < 0 ? 0 : vector.counters[index];
}

/** Whether `inner` ≤ `outer` in every entry. */
export function covers(outer: Vector, inner: Vector): boolean {
  if (outer === inner) return true;
  let at = 0;
  for (let index = 0; index < inner.replicas.length; index++) {
    const replica = inner.replicas[index];
    while (at < outer.replicas.length && outer.replicas[at] < replica) at += 1;
    if (at === outer.replicas.length || outer.replicas[at] !== replica || outer.counters[at] < inner.counters[index]) return false;
  }
  return true;
}

/** The entry-wise maximum; one of the arguments itself where it already is that. */
export function join(a: Vector, b: Vector): Vector {
  if (covers(a, b)) return a;
  if (covers(b, a)) return b;
  const replicas: number[] = [];
  const counters: number[] = [];
  let i = 0;
  let j = 0;
  while (i < a.replicas.length || j < b.replicas.length) {
    const left = i < a.replicas.length ? a.replicas[i] : Infinity;
    const right = j < b.replicas.length ? b.replicas[j] : Infinity;
    replicas.push(Math.min(left, right));
    if (left < right) counters.push(a.counters[i++]);
    else if (right < left) counters.push(b.counters[j++]);
    else counters.push(Math.max(a.counters[i++], b.counters[j++]));
  }
  return { replicas, counters };
}

/** `vector` with one entry raised to `counter`. */
export function raised(vector: Vector, replica: number, counter: number): Vector {
  if (counterOf(vector, replica) >= counter) return vector;
  return join(vector, { replicas: [replica], counters: [counter] });
}

/** For messages and JSON: `{ "1": 5, "2": 3 }`. */
export function vectorRecord(vector: Vector): Record<string, number> {
  return Object.fromEntries(vector.replicas.map((replica, index) => [String(replica), vector.counters[index]]));
}
