// W3C baggage: a header that tracing libraries take along through many systems. It goes one way only, so what a called function has done
// does not come back with it; where it should, carry the session in the answer too.

import { MeshError, SESSION_HEADER } from "@causalmesh/core";
import type { SessionCarrier } from "./carrier.js";

/** What every system that takes baggage along has room for, all members together. */
const BAGGAGE_BYTES_MAX = 8192;

function membersOf(baggage: string): string[] {
  return baggage
    .split(",")
    .map((member) => member.trim())
    .filter((member) => member !== "");
}

function keyOf(member: string): string {
  return member.slice(0, Math.max(0, member.indexOf("="))).trim();
}

/** Carries sessions as a member of the header `baggage`, given as its text. Refuses with TOKEN_TOO_LARGE what takes more than 8 192 bytes in all. */
export const baggageCarrier: SessionCarrier<string> = {
  place: `the member ${SESSION_HEADER} of the baggage`,
  extract: (baggage) =>
    membersOf(baggage)
      .filter((member) => keyOf(member) === SESSION_HEADER)
      .map((member) =>
        member
          .slice(member.indexOf("=") + 1)
          .split(";")[0]
          .trim(),
      ),
  inject: (baggage, token) => {
    const members = [...membersOf(baggage).filter((member) => keyOf(member) !== SESSION_HEADER), `${SESSION_HEADER}=${token}`].join(",");
    if (members.length <= BAGGAGE_BYTES_MAX) return members;
    throw new MeshError(
      "TOKEN_TOO_LARGE",
      `the baggage would take ${members.length} bytes with the session, of which systems hand on ${BAGGAGE_BYTES_MAX}: write with durability "everywhere", or carry the session in a header of its own`,
      { retryable: true },
    );
  },
};
