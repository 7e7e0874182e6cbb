// A look at a store from outside: what is there, and what may be done there. It changes nothing, whatever it finds: for tools that ask before nodes are started.

import { MeshError } from "@causalmesh/core";

/** What every adapter's inspection tells. */
export interface Inspection {
  /** The store's, without secrets. */
  readonly name: string;
  /** The format of what stands there; undefined where there is none yet, or where `problem` says why it cannot be told. */
  readonly version: number | undefined;
  /** The format that this version of the adapter makes and reads. */
  readonly versionExpected: number;
  /** Why the store cannot be used as it is, if that is so: STORE_INVALID. */
  readonly problem: MeshError | undefined;
}

/** The version that `read` finds; what it throws with STORE_INVALID is the problem. */
export async function versionOrProblem(read: () => Promise<number | undefined>): Promise<Pick<Inspection, "version" | "problem">> {
  try {
    return { version: await read(), problem: undefined };
  } catch (error) {
    if (error instanceof MeshError && error.code === "STORE_INVALID") return { version: undefined, problem: error };
    throw error;
  }
}
