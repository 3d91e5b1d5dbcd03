/**
 * How often the dirty log is read, ms: what the guest rewrites in between is all still to be sent at the stop, so the
 * less is left, the oftener. While much is left it is enough to learn the rates.
 */
export const logIntervals = { shortest: 15, longest: 250 } as const;
/** Of the time in which all that is left could be sent. */
const SHARE = 0.08;
/** Reading the log takes time, too: at most half of all. */
const COST_FACTOR = 1;

/**
 * Until the next look at the dirty log, ms.
 * @param bytesPerSecond of the link; undefined while not known
 * @param logMs that the last look took
 */
export function logIntervalMs(
  remainingBytes: number,
  bytesPerSecond: number | undefined,
  logMs: number,
): number {
  const remainingMs = bytesPerSecond === undefined ? Infinity : (remainingBytes / bytesPerSecond) * 1000;
  const wanted = Math.min(Math.max(remainingMs * SHARE, logIntervals.shortest), logIntervals.longest);
  return Math.max(wanted, logMs * COST_FACTOR);
}
