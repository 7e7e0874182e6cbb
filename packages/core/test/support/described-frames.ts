// Frames as a person reads them in the trace of a scenario. What says nothing new is left out: heartbeats, pings, and how a connection proves
// who it is.

import { ByteReader } from "../../src/bytes/reader.js";
import { decodeUtf8 } from "../../src/bytes/utf8.js";
import type { Vector } from "../../src/protocol/vector.js";
import * as frames from "../../src/wire/frames.js";
import { readHello, readWelcome, Role } from "../../src/wire/handshake.js";
import { readBase, readError, readHeader, readNumbers, readVector, readViewNotice } from "../../src/wire/messages.js";

const REQUESTS = new Map([
  [frames.GET, "GET"],
  [frames.GET_MANY, "GET_MANY"],
  [frames.WRITE, "WRITE"],
  [frames.READ_AT, "READ_AT"],
  [frames.COMMIT, "COMMIT"],
]);
const ANSWERS = new Map([
  [frames.VALUE, "VALUE"],
  [frames.NO_VALUE, "NO_VALUE"],
  [frames.VALUES, "VALUES"],
  [frames.COMMITTED, "COMMITTED"],
  [frames.GOODBYE, "GOODBYE"],
]);

/** Counters as `replica:counter`; nothing for an empty vector. */
export function dots({ replicas, counters }: Vector): string {
  return replicas.map((replica, entry) => `${replica}:${counters[entry]}`).join(" ");
}

function named(name: string, vector: Vector): string {
  return vector.replicas.length === 0 ? "" : ` ${name} ${dots(vector)}`;
}

/** Undefined for a frame that says nothing new. */
export function describeFrame(bytes: Uint8Array, type: number, flags: number, start: number, end: number): string | undefined {
  const reader = new ByteReader();
  reader.reset(bytes, start, end);
  if (REQUESTS.has(type)) return request(reader, type, flags);
  if (ANSWERS.has(type)) return ANSWERS.get(type);
  switch (type) {
    case frames.HELLO: {
      const { role, replica, epoch, target } = readHello(reader);
      return role === Role.Node ? `HELLO ${replica} of epoch ${epoch} to ${target}` : "HELLO";
    }
    case frames.WELCOME: {
      const { replica, epoch, vector, isComplete } = readWelcome(reader);
      return `WELCOME to ${replica} of epoch ${epoch}${isComplete ? "" : ", which is joining"}${named("at", vector)}`;
    }
    case frames.HEADER: {
      const { applied, beyond } = readHeader(reader);
      return `HEADER${named("applied", applied)}${named("beyond", beyond)}`;
    }
    case frames.WRITTEN:
      return `WRITTEN ${reader.f64()}`;
    case frames.LOST: {
      const numbers = readNumbers(reader);
      return `LOST beyond ${numbers.flatMap((number, at) => (at % 2 === 0 ? [`${number}:${numbers[at + 1]}`] : [])).join(" ")}`;
    }
    case frames.VIEW: {
      const { epoch, members } = readViewNotice(reader);
      return `VIEW ${epoch}: ${members.map(({ replica, address }) => `${address}=${replica}`).join(" ")}`;
    }
    case frames.ERROR: {
      const { code, message } = readError(reader);
      return `ERROR ${code}: ${message}`;
    }
    case frames.BASE: {
      const { flushed, received } = readBase(reader);
      return `BASE${named("flushed", flushed)}${named("received", received)}`;
    }
    case frames.BATCH:
      return batch(reader, end);
    case frames.ACK: {
      const received = readVector(reader);
      return received.replicas.length === 0 ? undefined : `ACK ${dots(received)}`;
    }
    default:
      return undefined;
  }
}

function request(reader: ByteReader, type: number, flags: number): string {
  let context = "";
  if ((flags & frames.WITH_CONTEXT) !== 0) {
    context = `${named("seen", readVector(reader))}${named("written", readVector(reader))}`;
    reader.f64();
  }
  const again = type === frames.WRITE && (flags & frames.AGAIN) !== 0 ? " again" : "";
  const key = type === frames.GET ? ` ${decodeUtf8(reader.bytes, reader.at, reader.end)}` : "";
  return `${REQUESTS.get(type)}${again}${key}${context}`;
}

function batch(reader: ByteReader, end: number): string | undefined {
  const told = `${named("common", readVector(reader))}${named("flushed", readVector(reader))}`;
  const writes: string[] = [];
  while (reader.at < end) {
    const length = reader.u32();
    const next = reader.at + length;
    const origin = reader.u32();
    const first = reader.f64();
    const last = first + reader.u32() - 1;
    writes.push(last === first ? `${origin}:${first}` : `${origin}:${first}-${last}`);
    reader.take(next - reader.at);
  }
  const carried = writes.length === 0 ? "" : ` with ${writes.join(" ")}`;
  return told === "" && carried === "" ? undefined : `BATCH${told}${carried}`;
}
