// Workflows of several functions, each with two reads and a write in random order: by uniform keys for what length and the number of servers cost, and by hot ones for anomalies.

import { Zipf } from "../../zipf.js";
import { numbered } from "../load/notes.js";
import { below, type Draw, keyNames, type Workload, type WorkloadOptions } from "./workload.js";

const FUNCTIONS_DEFAULT = 3;
/** Some keys are what everybody talks about. */
const ANOMALIES_SKEW = 1;

export function length(options: WorkloadOptions, draw: Draw): Workload {
  const keys = keyNames(options.keys);
  return chains(keys, () => keys[below(draw.random, keys.length)], options, draw);
}

export function anomalies(options: WorkloadOptions, draw: Draw): Workload {
  const keys = keyNames(options.keys);
  const zipf = new Zipf(keys.length, ANOMALIES_SKEW, draw.random);
  return chains(keys, () => keys[zipf.next()], options, draw);
}

function chains(keys: readonly string[], key: () => string, { functions = FUNCTIONS_DEFAULT }: WorkloadOptions, { random, servers }: Draw): Workload {
  const next = (): ReturnType<Workload["next"]> => {
    const drawn = Array.from({ length: functions }, () => ({
      server: below(random, servers),
      reads: [key(), key()],
      written: key(),
      writeAt: below(random, 3),
    }));
    return {
      plan: drawn,
      run: async (flow) => {
        for (const [index, { server, reads, written, writeAt }] of drawn.entries()) {
          const work = async (calls: Parameters<Parameters<typeof flow.call>[0]["work"]>[0]): Promise<void> => {
            const steps = reads.map((read) => (): Promise<unknown> => calls.read(read));
            steps.splice(writeAt, 0, () => calls.write(written));
            for (const step of steps) await step();
          };
          await flow.call({ server, reads, last: index === drawn.length - 1, work });
        }
      },
    };
  };
  return { keys, fill: numbered(0, ""), next };
}
