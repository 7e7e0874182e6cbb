// The classes of production, with ears: no node is ever behind where it may not be (I3), nodes receive vectors, and sessions are told the stamps of
// their writes.

import type { Change } from "../client/call.js";
import { jsonCodec } from "../client/codec.js";
import type { OwnWrite } from "../client/context.js";
import type { Link } from "../client/link.js";
import { ClientSession } from "../client/session.js";
import { Loads } from "../host/loads.js";
import { Membership } from "../host/membership.js";
import { Newcomer } from "../host/newcomer.js";
import type { Session } from "../mesh.js";
import { Node } from "../protocol/node.js";
import type { Segment } from "../protocol/segment.js";
import type { Vector } from "../protocol/vector.js";
import type { View } from "../protocol/view.js";
import type { Write } from "./history.js";
import type { Parts } from "./mutation.js";
import type { Recorder } from "./recorder.js";

export interface WatchedWorld {
  readonly recorder: Recorder;
  /** The write whose stamp each session is to be told next. */
  readonly expected: Map<Session, Write>;
  checkI1(): void;
  isComplete(replica: number): boolean;
  mayNotBeBehind(replica: number): boolean;
}

export function watchedParts(world: WatchedWorld): Parts {
  const { recorder, expected } = world;
  return {
    Loads,
    Membership,
    Newcomer: class extends Newcomer {
      override complete(): void {
        super.complete();
        world.checkI1();
      }
    },
    Node: class extends Node {
      override learn(visible: Vector, written: Vector, time: number): void {
        try {
          super.learn(visible, written, time);
        } catch (error) {
          if (world.mayNotBeBehind(this.replica)) recorder.history.failures.push(`I3: node ${this.replica}: ${String(error)}`);
          throw error;
        }
      }
      override install(view: View): void {
        try {
          super.install(view);
        } catch (error) {
          if (world.isComplete(this.replica)) recorder.history.failures.push(`node ${this.replica} cannot follow: ${String(error)}`);
          throw error;
        }
      }
      override receive(segment: Segment): void {
        super.receive(segment);
        if (segment.hasCommit) recorder.committed(segment);
        const { replicas } = this.ring;
        recorder.received(
          replicas[segment.origin],
          segment.first,
          segment.last,
          Object.fromEntries(segment.vector.map((counter, index) => [replicas[index], counter])),
        );
      }
    },
    Session: class extends ClientSession {
      override wrote(link: Link, counter: number, timestamp: number, changes: readonly Change[], view: number): void {
        const write = expected.get(this);
        // What was lost with a node is made again before what is expected; its value says so.
        if (write !== undefined && recorder.isOf(write, changes, (bytes) => jsonCodec.decode(bytes))) {
          expected.delete(this);
          recorder.stamped(write, { replica: link.replica, counter, timestamp });
        }
        super.wrote(link, counter, timestamp, changes, view);
      }
      override met(link: Link, write: OwnWrite, follows: Vector, view: number): void {
        // Its own commit, asked for again; or that of another use of its token, by whose values it is known.
        const own = expected.get(this);
        if (own !== undefined && recorder.isOf(own, write.changes, (bytes) => jsonCodec.decode(bytes))) {
          expected.delete(this);
          recorder.stamped(own, write);
        }
        super.met(link, write, follows, view);
      }
    },
  };
}
