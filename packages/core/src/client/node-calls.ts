// Calls that belong to no session and are meant for one node: what it says of itself, and what its operator asks of it.

import { MalformedError } from "../bytes/reader.js";
import { decodeUtf8 } from "../bytes/utf8.js";
import type { ByteWriter } from "../bytes/writer.js";
import type { MeshError } from "../errors.js";
import type { MemberStatus } from "../mesh.js";
import { DONE, STATUS_ANSWER } from "../wire/frames.js";
import { Call, encodeStatus, type Answer, type Caller } from "./call.js";

const NOBODY: Caller = { contextFor: () => undefined, moved: () => undefined, lostWrites: () => undefined };

export abstract class NodeCall<Result> extends Call {
  protected readonly resolve: (result: Result) => void;
  readonly #reject: (error: Error) => void;

  constructor(deadline: number, resolve: (result: Result) => void, reject: (error: Error) => void) {
    super(NOBODY, deadline);
    this.resolve = resolve;
    this.#reject = reject;
  }

  failed(error: MeshError): void {
    this.end();
    this.#reject(error);
  }
}

/** What one node says of itself. */
export interface NodeStatus {
  readonly epoch: number;
  readonly member: MemberStatus;
}

export class StatusCall extends NodeCall<NodeStatus> {
  readonly repeatable = true;

  encode(out: ByteWriter, id: number): void {
    encodeStatus(out, id);
  }

  answered(answer: Answer): void {
    if (answer.type !== STATUS_ANSWER) throw new MalformedError(`a status was answered with type ${answer.type}`);
    this.resolve(JSON.parse(decodeUtf8(answer.bytes, answer.start, answer.end)) as NodeStatus);
  }
}

/** An operator's order, which is answered when it has begun. */
export class OrderCall extends NodeCall<void> {
  readonly repeatable = false;
  readonly #encode: (out: ByteWriter, id: number) => void;

  constructor(deadline: number, encode: (out: ByteWriter, id: number) => void, resolve: () => void, reject: (error: Error) => void) {
    super(deadline, resolve, reject);
    this.#encode = encode;
  }

  encode(out: ByteWriter, id: number): void {
    this.#encode(out, id);
  }

  answered(answer: Answer): void {
    if (answer.type !== DONE) throw new MalformedError(`an order was answered with type ${answer.type}`);
    this.resolve();
  }
}
