// The bare client of the plain echo: frames as long as those that a node gets and gives for the same operation.

import { frame, frameEnd, writeU32 } from "../bytes/frames.js";
import { KEY_BYTES, VALUE_BYTES } from "../workload.js";
import type { ByteProtocol } from "./byte-driver.js";
import type { Operation } from "./driver.js";

/** What stands before key and value in a write: durability, one change, its flags, two lengths. */
const WRITE_FIELDS_BYTES = 5;
/** A node answers a write with its counter and timestamp. */
const WRITTEN_BYTES = 16;
const ECHO = 1;

const PAYLOAD_BYTES: Readonly<Record<Operation, readonly [request: number, answer: number]>> = {
  get: [KEY_BYTES, VALUE_BYTES],
  set: [WRITE_FIELDS_BYTES + KEY_BYTES + VALUE_BYTES, WRITTEN_BYTES],
};

/** The first two bytes of a request's payload say how long the answer's payload is to be. */
export const echoProtocol: ByteProtocol = {
  request(operation: Operation): Buffer {
    const [requestBytes, answerBytes] = PAYLOAD_BYTES[operation];
    const payload = Buffer.alloc(requestBytes);
    payload.writeUInt16LE(answerBytes);
    return frame(ECHO, payload);
  },
  stamp: (bytes, at, id) => writeU32(bytes, at + 6, id),
  cut(bytes, start, end, answered) {
    let at = start;
    for (let next = frameEnd(bytes, at, end); next !== 0; next = frameEnd(bytes, at, end)) {
      answered();
      at = next;
    }
    return at;
  },
};
