// The bare client of a node: the node's own handshake, then frames that were encoded beforehand. It imports the wire format from the
// core's sources, since the core exports none of it.

import { Outbox } from "../../../packages/core/src/wire/outbox.js";
import { ERROR, FrameSplitter, GET, HEADER, VALUE, WRITE, WRITTEN, type FrameHandler } from "../../../packages/core/src/wire/frames.js";
import { Opening } from "../../../packages/core/src/wire/opening.js";
import { Role, WELCOME_BYTES_MAX } from "../../../packages/core/src/wire/handshake.js";
import { Secrets } from "../../../packages/core/src/wire/secrets.js";
import type { Connection } from "@causalmesh/core";
import { systemPlatform } from "@causalmesh/core";
import { frame, frameEnd, HEAD_BYTES, writeU32 } from "../bytes/frames.js";
import { jsonTextAt, keyAt } from "../workload.js";
import type { ByteProtocol, ByteSocket } from "./byte-driver.js";
import type { Operation } from "./driver.js";

/** The level `memory`, one change, which is neither a deletion nor expires. */
const WRITE_FIELDS = [0, 1, 0];

export const meshProtocol: ByteProtocol = {
  request(operation: Operation, index: number): Buffer {
    const key = Buffer.from(keyAt(index));
    if (operation === "get") return frame(GET, key);
    const value = Buffer.from(JSON.stringify(jsonTextAt(index)));
    return frame(WRITE, Buffer.concat([Buffer.from([...WRITE_FIELDS, key.length, value.length]), key, value]));
  },
  stamp: (bytes, at, id) => writeU32(bytes, at + 6, id),
  cut(bytes, start, end, answered) {
    let at = start;
    for (let next = frameEnd(bytes, at, end); next !== 0; next = frameEnd(bytes, at, end)) {
      const type = bytes[at + 4];
      if (type === VALUE || type === WRITTEN) answered();
      else if (type !== HEADER) throw new Error(describe(bytes, type, at, next));
      at = next;
    }
    return at;
  },
  open,
};

function describe(bytes: Buffer, type: number, at: number, next: number): string {
  return type === ERROR
    ? `the node answered with an error: ${bytes.toString("latin1", at + HEAD_BYTES, next)}`
    : `the node answered with a frame of type ${type}`;
}

/** Shakes hands without a secret. */
async function open(bytes: ByteSocket): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const outbox = new Outbox(connectionOf(bytes));
    const { entropy } = systemPlatform;
    const opening = new Opening(outbox, { role: Role.Client, replica: 0, epoch: 0, target: 0, secrets: new Secrets(undefined), entropy }, () => resolve());
    const splitter = new FrameSplitter(opening as FrameHandler, WELCOME_BYTES_MAX);
    bytes.onError = reject;
    bytes.onBytes = (chunk) => {
      splitter.push(chunk);
      outbox.flush();
    };
    outbox.flush();
  });
}

function connectionOf({ socket }: ByteSocket): Connection {
  return {
    remote: `127.0.0.1:${socket.remotePort}`,
    buffered: 0,
    send(bytes) {
      socket.write(Buffer.from(bytes));
      return true;
    },
    pause: () => undefined,
    resume: () => undefined,
    close: () => socket.destroy(),
  };
}
