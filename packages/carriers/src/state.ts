// JSON that a function gets and answers: the state of a Step Functions workflow, and the payload of a function that is invoked directly. The
// token goes down in the input and comes back up in the output.

import { MeshError } from "@causalmesh/core";
import type { SessionCarrier } from "./carrier.js";

/** The field that carries the session. */
export const STATE_FIELD = "causalmeshSession";

/**
 * Carries sessions as a field of an object. The list that a `Map` or `Parallel` state makes of its branches' outputs has a token per branch, which
 * are joined. An output that is a list or a plain value can carry none and is refused with OPTION_INVALID: answer an object that has it as a field.
 */
export const stateCarrier: SessionCarrier<unknown> = {
  place: `the field ${STATE_FIELD}`,
  extract: tokensIn,
  inject: (state, token) => {
    const fields = state ?? {};
    if (typeof fields === "object" && !Array.isArray(fields)) return { ...fields, [STATE_FIELD]: token };
    throw new MeshError(
      "OPTION_INVALID",
      `the output is ${Array.isArray(fields) ? "a list" : `a ${typeof fields}`}, which has no room for the session: return an object that has it as a field`,
    );
  },
};

function tokensIn(state: unknown): string[] {
  if (Array.isArray(state)) return [...new Set(state.flatMap((branch) => tokensIn(branch)))];
  if (typeof state !== "object" || state === null || !(STATE_FIELD in state)) return [];
  const token: unknown = state[STATE_FIELD];
  if (typeof token === "string" && token !== "") return [token];
  throw new MeshError("TOKEN_MALFORMED", `${STATE_FIELD} is no token: hand on the field that the function before has answered, unchanged`);
}
