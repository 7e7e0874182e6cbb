// The keys and values of all benches: the same for every subject.

/** Keys that the hit bench and the ring bench touch; far less than any cache holds. */
export const HOT_ENTRIES = 8192;
export const KEY_BYTES = 12;
export const VALUE_BYTES = 100;

/** A key of 12 bytes. */
export function keyAt(index: number): string {
  return `bench:${String(index).padStart(6, "0")}`;
}

/** A text of `length` ASCII characters that differs by index. */
export function textAt(index: number, length = VALUE_BYTES): string {
  return `${index}:`.padEnd(length, "abcdefghijklmnopqrstuvwxyz");
}

/** The text that is VALUE_BYTES long once it is written as JSON, quotes included. */
export function jsonTextAt(index: number): string {
  return textAt(index, VALUE_BYTES - 2);
}

export function list<Item>(count: number, item: (index: number) => Item): Item[] {
  return Array.from({ length: count }, (_, index) => item(index));
}
