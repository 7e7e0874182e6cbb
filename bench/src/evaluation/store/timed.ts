// A version of FaaSTCC on the wire: its value, its timestamp, and the promise up to which it is known to be the newest.

import type { ByteReader, ByteWriter } from "@causalmesh/core/testing";
import { TEXT_BYTES_MAX } from "../wire/rpc.js";

export interface Timed {
  readonly value: string;
  readonly timestamp: number;
  readonly promise: number;
}

export function writeTimed(out: ByteWriter, version: Timed | undefined): void {
  out.u8(version === undefined ? 0 : 1);
  if (version === undefined) return;
  out.text(version.value);
  out.varint(version.timestamp);
  out.varint(version.promise);
}

export function readTimed(payload: ByteReader): Timed | undefined {
  return payload.u8() === 0 ? undefined : { value: payload.text(TEXT_BYTES_MAX), timestamp: payload.varint(), promise: payload.varint() };
}
