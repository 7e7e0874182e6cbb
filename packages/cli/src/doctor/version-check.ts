// What `doctor` says of the releases that the nodes run: a mesh is updated node by node, so two may be there for a while, but not for good.

import { VERSION, WIRE_VERSION, type MemberStatus } from "@causalmesh/core";
import { failed, ok, skipped, type Check } from "./check.js";

const CHECK = "versions";

export function checkVersions(members: readonly MemberStatus[]): Check {
  // Those of before releases said what they are do not say it.
  const known = members.filter(({ version }) => version !== undefined);
  if (known.length === 0) return skipped(CHECK, "no node answers");
  const releases = [...new Set(known.map(({ version }) => version))].sort();
  const protocols = known.map(({ protocol }) => protocol);
  const apart = Math.max(...protocols, WIRE_VERSION) - Math.min(...protocols, WIRE_VERSION);
  const found = releases
    .map(
      (release) =>
        `${release} on ${known
          .filter(({ version }) => version === release)
          .map(({ address }) => address)
          .join(", ")}`,
    )
    .join("; ");
  if (apart > 1)
    return failed(
      CHECK,
      `${found}; this program is ${VERSION}: versions of the protocol that are ${apart} apart`,
      "update the older ones, to each release in between in turn",
    );
  if (releases.length > 1) return ok(CHECK, `${found}: fine while the mesh is being updated`);
  return ok(CHECK, releases[0] === VERSION ? `all run ${VERSION}, as this program does` : `all run ${releases[0]}; this program is ${VERSION}`);
}
