export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** Null where there is no value. */
export function spreadOf(values: readonly number[]): Spread | null {
  const sorted = [...values].sort((a, b) => a - b);
  const [min, max] = [sorted[0], sorted.at(-1)];
  if (min === undefined || max === undefined) return null;
  const middle = sorted.length / 2;
  const median = ((sorted[Math.floor(middle)] ?? max) + (sorted[Math.ceil(middle) - 1] ?? min)) / 2;
  return { median, min, max };
}
