// Copying of short byte ranges. A loop beats `set` with `subarray` until about a hundred bytes, and makes no garbage.

const LOOP_BYTES_MAX = 96;

export function copyBytes(source: Uint8Array, sourceStart: number, length: number, target: Uint8Array, targetStart: number): void {
  if (length > LOOP_BYTES_MAX) {
    target.set(source.subarray(sourceStart, sourceStart + length), targetStart);
    return;
  }
  for (let at = 0; at < length; at++) target[targetStart + at] = source[sourceStart + at];
}
