import type { PrecopyDecision } from '@pageferry/transfer';

/**
 * How the guest is moved: `precopy` and `hybrid` by the scheduler that the source agent uses, `round-robin` as plain
 * pre-copy does it, in the order of the addresses.
 */
export const strategies = ['precopy', 'hybrid', 'round-robin'] as const;

export type Strategy = (typeof strategies)[number];

/** Where a move stands at a moment. */
export interface Sample {
  /** Since the beginning, ms. */
  readonly ms: number;
  /** What the destination lacks, or has in an old version, bytes. */
  readonly remainingBytes: number;
  /** Different pages written since the sample before, bytes a second. */
  readonly dirtiedBytesPerSecond: number;
  /** Arrived since the sample before. */
  readonly arrivedBytesPerSecond: number;
}

/** What came of a move. Bytes are those of the guest, not of the smaller one that was simulated. */
export interface Outcome {
  readonly strategy: Strategy;
  /** Why pre-copy ended: `switch-over` if what was left fitted the downtime limit. */
  readonly reason: Exclude<PrecopyDecision, 'iterate'>;
  /** Until the destination has everything. */
  readonly totalMs: number;
  /** For as long the guest stands still, also if that is longer than allowed. */
  readonly downtimeMs: number;
  /** On the wire, all in all. */
  readonly sentBytes: number;
  /** Of these, sent while or after the guest stood still. */
  readonly sentAfterStopBytes: number;
  /** Pages, as often as they were sent. */
  readonly sentPages: number;
  /** Looks at the dirty log. */
  readonly iterations: number;
  readonly samples: readonly Sample[];
}
