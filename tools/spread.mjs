// Work for all processors: jobs that worker threads of a program take one after the other.

import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";

/** Hands jobs to workers that run this program, one per processor, each when it is free; `done` is told each answer. */
export async function spread(program, jobs, done) {
  const workers = Array.from({ length: availableParallelism() }, () => new Worker(new URL(program)));
  try {
    await Promise.all(
      workers.map(async (worker) => {
        for (let job = jobs.next(); !job.done; job = jobs.next()) {
          const answer = new Promise((resolve, reject) => {
            worker.once("message", resolve);
            worker.once("error", reject);
          });
          worker.postMessage(job.value);
          done(await answer);
          worker.removeAllListeners("error");
        }
      }),
    );
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}
