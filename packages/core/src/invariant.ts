// Assertions of the design's invariants. They stay on in production: a node that finds one broken must stop rather than
// answer from a state that nobody has reasoned about.

/** A broken invariant: our bug, never the caller's. `invariant` is its number in the design, I1 to I6. */
export class InvariantError extends Error {
  readonly invariant: string;

  constructor(invariant: string, detail: string) {
    super(`invariant ${invariant} is broken: ${detail}`);
    this.name = "InvariantError";
    this.invariant = invariant;
  }
}

/** Throws unless `holds`. The detail is a function so that the passing case costs one branch and no string. */
export function invariant(holds: boolean, number: string, detail: () => string): asserts holds {
  if (!holds) throw new InvariantError(number, detail());
}
