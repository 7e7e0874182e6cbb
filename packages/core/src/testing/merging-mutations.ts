// The rules of values that merge, each taken away.

import type { OwnWrite } from "../client/context.js";
import { SessionMerges } from "../client/merges.js";
import type { OwnWrites } from "../client/own-writes.js";
import { nodeMutation, type Mutation } from "./mutation.js";

function mergesMutation(name: string, rule: string, Merges: typeof SessionMerges): Mutation {
  return {
    name,
    rule,
    change: ({ Session: Base }) => ({
      Session: class extends Base {
        protected override mergesOf(own: OwnWrites): SessionMerges {
          return new Merges(this, own);
        }
      },
    }),
  };
}

export const MERGING_MUTATIONS: readonly Mutation[] = [
  nodeMutation(
    "shares-as-shown",
    "merging: a node goes on from its share as it made it last, not as its cache shows it",
    (Base) =>
      class extends Base {
        override madeShare(): undefined {
          return undefined;
        }
      },
  ),
  mergesMutation(
    "no-own-changes",
    "merging: a read holds what its session has changed and the node does not show yet",
    class extends SessionMerges {
      override ownChanges(): OwnWrite[] {
        return [];
      }
    },
  ),
  mergesMutation(
    "own-changes-twice",
    "merging: a read adds own changes only where they are not in the share yet",
    class extends SessionMerges {
      override ownChanges(share: string): OwnWrite[] {
        return super.ownChanges(share, { replica: 0, counter: 0, timestamp: 0 });
      }
    },
  ),
];
