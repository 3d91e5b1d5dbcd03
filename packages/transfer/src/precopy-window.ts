/** Of what remains. */
const SHARE = 0.15;
/** A few frames: the destination's next acknowledgement must find one under way. */
const SMALLEST_BYTES = 1024 * 1024;
/** Round trips that the link is kept full for. */
const ROUND_TRIPS = 2;

/** What the bytes that may be in flight rest on. */
export interface PrecopyWindowOptions {
  /** Bytes that the destination lacks, or has outdated. */
  readonly remainingBytes: number;
  /** Of the link; undefined while not known. */
  readonly bytesPerSecond: number | undefined;
  /** Shortest time in which a frame was acknowledged, ms. */
  readonly roundTripMs: number;
  /** For which nothing is sent now and then: while the dirty log is read, ms. */
  readonly pauseMs: number;
}

/**
 * Most bytes in flight in pre-copy, before the limits of both sides. Before the stop all of them have to arrive, and the
 * guest goes on writing meanwhile: the less remains, the fewer they should be. But never too few to fill the link.
 */
export function precopyWindowBytes({
  remainingBytes,
  bytesPerSecond,
  roundTripMs,
  pauseMs,
}: PrecopyWindowOptions): number {
  if (bytesPerSecond === undefined) return Infinity;
  const onTheWay = (bytesPerSecond * (roundTripMs * ROUND_TRIPS + pauseMs)) / 1000;
  return Math.max(remainingBytes * SHARE, onTheWay, SMALLEST_BYTES);
}
