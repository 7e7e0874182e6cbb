// A plain echo over TCP: cuts frames, answers each with a frame as long as it asks for, and writes once per socket event.

import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { ByteOutbox } from "../bytes/byte-outbox.js";
import { ByteStream } from "../bytes/byte-stream.js";
import { frameEnd, HEAD_BYTES, writeU32 } from "../bytes/frames.js";
import { cpuMicros, serve } from "../serve.js";
import { textAt } from "../workload.js";

const ANSWER = Buffer.from(textAt(0));

function accept(socket: Socket): void {
  const outbox = new ByteOutbox(socket);
  const stream = new ByteStream((bytes, start, end) => {
    let at = start;
    for (let next = frameEnd(bytes, at, end); next !== 0; next = frameEnd(bytes, at, end)) {
      answer(outbox, bytes, at);
      at = next;
    }
    return at;
  });
  socket.setNoDelay(true);
  socket.on("error", () => socket.destroy());
  socket.on("data", (chunk: Buffer) => {
    stream.push(chunk);
    outbox.flush();
  });
}

/** The request's head with the answer's length, then as many bytes of the answer as were asked for. */
function answer(outbox: ByteOutbox, request: Buffer, at: number): void {
  const payloadBytes = request[at + HEAD_BYTES] | (request[at + HEAD_BYTES + 1] << 8);
  outbox.reserve(HEAD_BYTES + payloadBytes);
  const { bytes, length } = outbox;
  for (let index = 4; index < HEAD_BYTES; index++) bytes[length + index] = request[at + index];
  writeU32(bytes, length, HEAD_BYTES - 4 + payloadBytes);
  bytes.set(payloadBytes === ANSWER.length ? ANSWER : ANSWER.subarray(0, payloadBytes), length + HEAD_BYTES);
  outbox.length = length + HEAD_BYTES + payloadBytes;
}

const server = createServer(accept).listen(0, "127.0.0.1");
const listening = once(server, "listening");

const commands = {
  listen: async (): Promise<number> => {
    await listening;
    return (server.address() as AddressInfo).port;
  },
  cpu: cpuMicros,
};
export type EchoProgram = typeof commands;
serve(commands);
