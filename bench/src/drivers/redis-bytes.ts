// The bare client of redis-server: RESP requests that were encoded beforehand.

import { keyAt, textAt } from "../workload.js";
import type { ByteProtocol } from "./byte-driver.js";
import type { Operation } from "./driver.js";

const DOLLAR = 0x24;
const PLUS = 0x2b;
const CARRIAGE_RETURN = 0x0d;
const LINE_END_BYTES = 2;
const ZERO = 0x30;

export const redisProtocol: ByteProtocol = {
  request: (operation: Operation, index: number) => (operation === "get" ? command("GET", keyAt(index)) : command("SET", keyAt(index), textAt(index))),
  stamp: () => undefined,
  cut(bytes, start, end, answered) {
    let at = start;
    for (let next = answerEnd(bytes, at, end); next !== 0; next = answerEnd(bytes, at, end)) {
      answered();
      at = next;
    }
    return at;
  },
};

function command(...words: readonly string[]): Buffer {
  return Buffer.from(`*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join("")}`);
}

/** Where the answer at `at` ends, or 0 where it is not whole yet: a bulk string, or a simple one such as `+OK`. */
function answerEnd(bytes: Buffer, at: number, end: number): number {
  let line = at + 1;
  let number = 0;
  while (line < end && bytes[line] !== CARRIAGE_RETURN) number = number * 10 + bytes[line++] - ZERO;
  if (line + LINE_END_BYTES > end) return 0;
  const type = bytes[at];
  if (type === PLUS) return line + LINE_END_BYTES;
  if (type !== DOLLAR || number < 0) throw new Error(`redis answered ${bytes.toString("latin1", at, Math.min(end, at + 80))}`);
  const next = line + LINE_END_BYTES + number + LINE_END_BYTES;
  return next <= end ? next : 0;
}
