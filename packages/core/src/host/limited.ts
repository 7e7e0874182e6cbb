// A call of the store or the loader that may take long, and not for ever.

import type { Clock } from "../clock.js";
import { MeshError } from "../errors.js";
import { STORE_TIMEOUT_MS_DEFAULT } from "../limits.js";

/** The call's result. Rejects with STORE_UNAVAILABLE where it takes too long; `failure` begins the message. */
export function limited<Value>(call: Promise<Value>, clock: Clock, failure: string): Promise<Value> {
  return new Promise<Value>((resolve, reject) => {
    const timer = clock.after(STORE_TIMEOUT_MS_DEFAULT, () =>
      reject(new MeshError("STORE_UNAVAILABLE", `${failure} within ${STORE_TIMEOUT_MS_DEFAULT} ms; check that it runs`)),
    );
    call.then(
      (value) => {
        timer.cancel();
        resolve(value);
      },
      (error: unknown) => {
        timer.cancel();
        reject(error as Error);
      },
    );
  });
}
