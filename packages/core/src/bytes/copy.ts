// Copying of byte ranges. Four bytes at a time through views beat `set` with `subarray`, which makes an object for each range, until
// some hundred bytes, and beat bytes one by one from the start. Eight at a time would be faster still, but as a double a range may come
// out changed (NaN), and as a BigInt it is allocated.

const VIEWS_BYTES_MAX = 384;

let latest: Uint8Array = new Uint8Array(0);
let latestView: DataView = new DataView(latest.buffer);

/** A view of the array; the same object as long as it is asked for the same array, as in the frames of one chunk. */
function viewOf(bytes: Uint8Array): DataView {
  if (bytes !== latest) {
    latest = bytes;
    latestView = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
  return latestView;
}

/** Copies `length` bytes into the array of which `target` is a view. */
export function copyBytes(source: Uint8Array, start: number, length: number, target: DataView, targetStart: number): void {
  copyRange(viewOf(source), start, length, target, targetStart);
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
