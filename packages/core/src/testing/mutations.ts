// The protocol's rules, each taken away: what the checkers must find. Every mutation replaces one protected method of the very classes that
// run in production; nothing of it is in them.

import { Versions, type Stamp, type VersionsOptions } from "../cache/versions.js";
import type { OpenTransaction } from "../client/open-transaction.js";
import type { ClientSession } from "../client/session.js";
import { SnapshotReads } from "../client/snapshot-reads.js";
import { ClientTransaction } from "../client/transaction.js";
import type { FlushBatch } from "../protocol/flush-order.js";
import type { CommitOptions } from "../mesh.js";
import type { Base } from "../wire/messages.js";
import { Ring } from "../protocol/ring.js";
import { Snapshot } from "../protocol/snapshot.js";
import type { View } from "../protocol/view.js";
import { join, type Vector } from "../protocol/vector.js";
import type { Link } from "../client/link.js";

import { MERGING_MUTATIONS } from "./merging-mutations.js";
import { nodeMutation, type Mutation } from "./mutation.js";

export const MUTATIONS: readonly Mutation[] = [
  nodeMutation(
    "no-dv",
    "4: a write's vector holds what its session has seen (DV)",
    (Base) =>
      class extends Base {
        protected override joinVisible(): void {}
      },
  ),
  nodeMutation(
    "no-wv",
    "4: a write's vector holds what its session has written (WV)",
    (Base) =>
      class extends Base {
        protected override joinWritten(): void {}
      },
  ),
  nodeMutation(
    "no-g",
    "4: a write's vector holds the node's newest own write (G)",
    (Base) =>
      class extends Base {
        protected override raiseIssued(vector: readonly number[]): void {
          const { self } = this.ring;
          vector.forEach((counter, index) => {
            if (index !== self) this.issued[index] = counter;
          });
          this.issuedVersion += 1;
        }
      },
  ),
  nodeMutation(
    "every-tail",
    "4: only the tail of an origin says that everyone has its writes",
    (Base) =>
      class extends Base {
        protected override goneRound(): boolean {
          return true;
        }
      },
  ),
  nodeMutation(
    "dot-only",
    "4: a write is shown when its whole vector is common, not its dot alone",
    (Base) =>
      class extends Base {
        protected override applicable(): boolean {
          return true;
        }
      },
  ),
  {
    name: "dv-is-r",
    rule: "4: after a read the session's DV is the node's A, never its R",
    change: ({ Session }, context) => ({
      Session: class extends Session {
        protected override seen(link: Link): Vector {
          return join(link.applied, context.received(link.replica));
        }
      },
    }),
  },
  {
    name: "own-always",
    rule: "4: a read returns the winner of the cache's and the session's own version",
    change: ({ Session }) => ({
      Session: class extends Session {
        protected override ownWins(): boolean {
          return true;
        }
      },
    }),
  },
  nodeMutation(
    "last-arrival",
    "5: the winner is decided by the write's own stamp",
    (Base) =>
      class extends Base {
        override wins(): boolean {
          return true;
        }
      },
  ),
  nodeMutation(
    "deaf-clock",
    "5: timestamps are later than all that the session has seen",
    (Base) =>
      class extends Base {
        override observe(): void {}
      },
  ),
  nodeMutation(
    "fresh-is-complete",
    "9: a write to a key that is not in memory makes an incomplete entry",
    (Base) =>
      class extends Base {
        override freshFlags(): number {
          return 0;
        }
      },
  ),
  nodeMutation(
    "flush-alone",
    "9: a write is flushed when the rest of its vector is",
    (Base) =>
      class extends Base {
        override get isFlusher(): boolean {
          return true;
        }
        override flushBatch(): FlushBatch | undefined {
          const batch = this.unflushed();
          const { self } = this.ring;
          const own = batch?.flushed.find(([replica]) => replica === this.replica);
          if (batch === undefined || own === undefined || own[1] <= this.flushed[self]) return undefined;
          return { rows: batch.rows.filter((row) => row.replica === this.replica), flushed: [own] };
        }
      },
  ),
  {
    name: "row-as-it-is",
    rule: "7, 9: a row that is not applied here is shown only after its vector was integrated",
    change: ({ Loads: Base }) => ({
      Loads: class extends Base {
        protected override admits(): boolean {
          return true;
        }
      },
    }),
  },
  {
    name: "final-is-flushed",
    rule: "7: the final counter of a departed node is what its head has received",
    change: ({ Membership: Base }) => ({
      Membership: class extends Base {
        protected override received(replica: number): number | undefined {
          const { node } = this.host;
          const index = node.ring.indexOf(replica);
          return index < 0 ? undefined : node.flushed[index];
        }
      },
    }),
  },
  {
    name: "no-notice",
    rule: "7: a few members give notice before they go on without the many",
    change: ({ Membership: Base }) => ({
      Membership: class extends Base {
        protected override needsNotice(): boolean {
          return false;
        }
      },
    }),
  },
  {
    name: "settled-when-flushed",
    rule: "7: a departed replica leaves the vectors when everybody shows all of it",
    change: ({ Membership: Base }) => ({
      Membership: class extends Base {
        protected override settledEverywhere(slot: number): boolean {
          const { node } = this.host;
          return node.flushed[slot] >= node.ring.finals[slot];
        }
      },
    }),
  },
  {
    name: "complete-at-once",
    rule: "7: a newcomer serves nobody before it has what its predecessor had",
    change: ({ Newcomer: Base }) => ({
      Newcomer: class extends Base {
        override begin(base: Base, now: number): void {
          super.begin(base, now);
          this.complete();
        }
      },
    }),
  },
  nodeMutation(
    "no-clamp",
    "7: vectors are clamped to the final counters of the departed",
    (Base) =>
      class extends Base {
        protected override ringOf(view: View, replica: number): Ring {
          return new UnclampedRing(view, replica);
        }
      },
  ),
  nodeMutation(
    "nothing-is-lost",
    "7: own writes that died with a node are made again by their session",
    (Base) =>
      class extends Base {
        override lostOf(): undefined {
          return undefined;
        }
      },
  ),
  nodeMutation(
    "snapshot-is-now",
    "10: a snapshot shows the newest version within it",
    (Base) =>
      class extends Base {
        override isWithin(): boolean {
          return true;
        }
      },
  ),
  versionsMutation(
    "below-the-base",
    "10: below a key's base nobody can tell what a snapshot shows",
    class extends Versions {
      protected override isKnown(): boolean {
        return true;
      }
    },
  ),
  versionsMutation(
    "no-losers",
    "10: what lost against a later write is kept: a snapshot may hold it alone",
    class extends Versions {
      override keep(...version: Parameters<Versions["keep"]>): void {
        const [nextCounter] = version.slice(-1);
        if (nextCounter !== 0) super.keep(...version);
      }
    },
  ),
  nodeMutation(
    "absent-is-settled",
    "10: a replica without writes in a snapshot is told from one that has left",
    (Base) =>
      class extends Base {
        override isWithin(stamp: Stamp, { replicas, counters, nextReplica }: Snapshot): boolean {
          const named = replicas.flatMap((replica, index) => (counters[index] > 0 ? [replica] : []));
          return super.isWithin(
            stamp,
            new Snapshot(
              named,
              counters.filter((counter) => counter > 0),
              nextReplica,
            ),
          );
        }
      },
  ),
  readsMutation(
    "own-left-behind",
    "10: the session's own writes in flight belong to what its transaction reads",
    class extends SnapshotReads {
      protected override takeOwn(): void {}
    },
  ),
  readsMutation(
    "extend-anyway",
    "10: a snapshot moves only to where all that was read is the same",
    class extends SnapshotReads {
      protected override isUnchanged(): boolean {
        return true;
      }
    },
  ),
  nodeMutation(
    "commit-again",
    "10: a commit that is known is not made again",
    (Base) =>
      class extends Base {
        override committed(): undefined {
          return undefined;
        }
      },
  ),
  nodeMutation(
    "commit-anywhere",
    "10: a commit that may have been made at a node is made elsewhere only by whoever has all of that node's writes",
    (Base) =>
      class extends Base {
        override knowsCommitsOf(): boolean {
          return true;
        }
      },
  ),
  ...MERGING_MUTATIONS,
];

function versionsMutation(name: string, rule: string, Changed: typeof Versions): Mutation {
  return nodeMutation(
    name,
    rule,
    (Base) =>
      class extends Base {
        protected override versionsWith(options: VersionsOptions): Versions {
          return new Changed(options);
        }
      },
  );
}

function readsMutation(name: string, rule: string, Reads: typeof SnapshotReads): Mutation {
  const Changed = class extends ClientTransaction {
    protected override readsFrom(session: ClientSession, from: OpenTransaction | undefined): SnapshotReads {
      return new Reads(session, from);
    }
  };
  return {
    name,
    rule,
    change: ({ Session }) => ({
      Session: class extends Session {
        protected override transactionFrom(options: CommitOptions, from?: OpenTransaction): ClientTransaction {
          return new Changed(this, options, from);
        }
      },
    }),
  };
}

class UnclampedRing extends Ring {
  override clamp(_index: number, counter: number): number {
    return counter;
  }
}
