// A replica id names one start of one node. A second start would count its writes from 1 again, under the names of the first one's.

import { MeshError } from "../errors.js";

export function startedBefore(replica: number): MeshError {
  return new MeshError("OPTION_INVALID", `replica ${replica} has run before, and a replica id is never used again; form the mesh anew, which gives new ids`);
}
