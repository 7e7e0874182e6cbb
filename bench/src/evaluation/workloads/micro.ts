// The paper's micro benchmark: a workflow of three functions, each on a uniformly random server, with two reads, two reads, and one write, of keys of a Zipf distribution.

import { Zipf } from "../../zipf.js";
import { numbered } from "../load/notes.js";
import { below, type Draw, keyNames, type Workload, type WorkloadOptions } from "./workload.js";

const SKEW = 1;

export function micro({ keys: count }: WorkloadOptions, { random, servers }: Draw): Workload {
  const keys = keyNames(count);
  const zipf = new Zipf(count, SKEW, random);
  const key = (): string => keys[zipf.next()];
  const next = (): ReturnType<Workload["next"]> => {
    const plan = [[key(), key()], [key(), key()], []].map((reads) => ({ server: below(random, servers), reads }));
    const written = key();
    return {
      plan,
      run: async (flow) => {
        for (const [index, { server, reads }] of plan.entries()) {
          await flow.call({
            server,
            reads,
            last: index === plan.length - 1,
            work: async (calls) => {
              for (const read of reads) await calls.read(read);
              if (index === plan.length - 1) await calls.write(written);
            },
          });
        }
      },
    };
  };
  return { keys, fill: numbered(0, ""), next };
}
