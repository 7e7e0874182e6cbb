// Numbers of repeated measurements, and what is said of them: the median, and the spread beside it.

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** The value below which the given share (0 to 1) of the samples lies. NaN without samples. */
export function percentile(samples: readonly number[], share: number): number {
  const sorted = Float64Array.from(samples).sort();
  if (sorted.length === 0) return Number.NaN;
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}

export function median(samples: readonly number[]): number {
  const sorted = Float64Array.from(samples).sort();
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The median of the ratios within each repetition. */
export function ratio(a: readonly number[], b: readonly number[]): number {
  return round(median(a.map((value, index) => value / b[index])));
}

export function spread(samples: readonly number[]): Spread {
  return { median: round(median(samples)), min: round(Math.min(...samples)), max: round(Math.max(...samples)) };
}

/** Four significant digits: no measurement here has more. */
export function round(value: number): number {
  return Number.isFinite(value) ? Number(value.toPrecision(4)) : value;
}
