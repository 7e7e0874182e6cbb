// Which write something was made by, as it stands in a share.

/** `replica:counter`. */
export type Dot = string;

export function dotOf({ replica, counter }: { readonly replica: number; readonly counter: number }): Dot {
  return `${replica}:${counter}`;
}

/** Replica and counter of a dot. */
export function partsOf(dot: Dot): readonly [replica: number, counter: number] {
  const at = dot.indexOf(":");
  return [Number(dot.slice(0, at)), Number(dot.slice(at + 1))];
}
