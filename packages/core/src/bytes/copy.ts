// Copying of byte ranges. Four bytes at a time through views beat `set` with `subarray`, which makes an object for each range, until
// some hundred bytes. Eight at a time would be faster still, but as a double a range may come out changed (NaN), and as a BigInt it is
// allocated. A view has its price too, so it is made of large arrays alone, chunks and segments, from which many ranges are copied; a
// small array is copied whole, or byte by byte.

const VIEWS_BYTES_MAX = 384;
/** Arrays below this are not worth a view. */
const VIEWED_BYTES_MIN = 1024;
/** Below this, a loop is faster than the call of `set`. */
const SHORT_BYTES = 32;

/** Bytes, and a view of the same. */
export interface Viewed {
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

let latest: Uint8Array = new Uint8Array(0);
let latestView: DataView = new DataView(latest.buffer);

/** A view of the array; the same object as long as it is asked for the same array. */
function viewOf(bytes: Uint8Array): DataView {
  if (bytes !== latest) {
    latest = bytes;
    latestView = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
  return latestView;
}

/** Copies `length` bytes of the source to a place in the target. */
export function copyBytes(source: Uint8Array, start: number, length: number, target: Viewed, targetStart: number): void {
  if (length === source.length && length >= SHORT_BYTES) target.bytes.set(source, targetStart);
  else if (source.length >= VIEWED_BYTES_MIN) copyRange(viewOf(source), start, length, target.view, targetStart);
  else for (let at = 0; at < length; at++) target.bytes[targetStart + at] = source[start + at];
}

/** Copies `length` bytes between the arrays of two views. */
export function copyRange(source: DataView, start: number, length: number, target: DataView, targetStart: number): void {
  if (length > VIEWS_BYTES_MAX) {
    bytesOf(target, targetStart, length).set(bytesOf(source, start, length));
    return;
  }
  const wholeEnd = length & ~3;
  let at = 0;
  for (; at < wholeEnd; at += 4) target.setInt32(targetStart + at, source.getInt32(start + at, true), true);
  for (; at < length; at++) target.setUint8(targetStart + at, source.getUint8(start + at));
}

function bytesOf(view: DataView, start: number, length: number): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset + start, length);
}
