// The protocol's rules, each taken away: what the checkers must find. Every mutation replaces one protected method of the very classes that
// run in production; nothing of it is in them.

import type { ClientSession } from "../client/session.js";
import type { Loads } from "../host/loads.js";
import type { FlushBatch } from "../protocol/flush-order.js";
import type { Node } from "../protocol/node.js";
import { join, type Vector } from "../protocol/vector.js";
import type { Link } from "../client/link.js";

export interface Parts {
  readonly Node: typeof Node;
  readonly Loads: typeof Loads;
  readonly Session: typeof ClientSession;
}

/** What a mutation may look at beyond the class that it changes. */
export interface MutationContext {
  /** R of the node with this replica id. */
  received(replica: number): Vector;
}

export interface Mutation {
  readonly name: string;
  /** The rule that is gone, with the section of the design. */
  readonly rule: string;
  change(parts: Parts, context: MutationContext): Partial<Parts>;
}

function nodeMutation(name: string, rule: string, change: (Base: typeof Node) => typeof Node): Mutation {
  return { name, rule, change: (parts) => ({ Node: change(parts.Node) }) };
}

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
          if (batch === undefined || batch.applied[self] <= this.flushed[self]) return undefined;
          const applied = this.flushed.map((counter, index) => (index === self ? batch.applied[self] : counter));
          return { rows: batch.rows.filter((row) => row.replica === this.replica), applied };
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
];
