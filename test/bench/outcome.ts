import type { Guest } from '../guests/guest.js';
import type { Run } from './run.js';

/** A guest, and the QEMU on the other host that waits for it. */
export interface Pair {
  readonly source: Guest;
  readonly destination: Guest;
}

/** What the one that moved the guests says about it. */
export type MoveFigures = Pick<
  Run,
  | 'completed'
  | 'error'
  | 'totalMs'
  | 'downtimeMs'
  | 'runningMs'
  | 'reportedDowntimeMs'
  | 'pages'
  | 'pageRequests'
  | 'gang'
>;

export interface Outcome {
  readonly figures: MoveFigures;
  /** Of each guest, whether it is on the other host now. */
  readonly arrived: readonly boolean[];
}
