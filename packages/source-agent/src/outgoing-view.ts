import { problemOf, type Problem } from '@pageferry/daemon';
import type { PageferryError } from '@pageferry/errors';
import type { Iteration } from '@pageferry/transfer';
import { guestThere, type OutgoingContext } from './outgoing-context.js';
import { NOTHING_SENT, type SentCounts } from './page-sender.js';
import type { Downtime } from './progress.js';
import type { BandwidthCaps, MigrationRequest } from './request.js';
import type { SourceGuest } from './source-guest.js';
import type { OutgoingHistory, OutgoingState } from './states.js';
import type { Transfer } from './transfer.js';

/** What the HTTP API shows of an outgoing migration. Times in ms, rates in bytes a second. */
export interface OutgoingView {
  readonly id: string;
  readonly guest: string;
  readonly destination: { readonly url: string; readonly guest: string };
  readonly mode: MigrationRequest['mode'];
  readonly state: OutgoingState;
  readonly history: OutgoingHistory;
  readonly startedAt: number;
  readonly totalMs: number;
  readonly downtimeMs: number | null;
  readonly downtime: Downtime | null;
  readonly iterations: number;
  /** The newest iterations of pre-copy. */
  readonly iterationTable: readonly Iteration[];
  readonly memory: { readonly bytes: number; readonly pages: number } | null;
  readonly remainingPages: number;
  /** Limits, bytes a second; 0 where there is none. */
  readonly bandwidthCaps: BandwidthCaps;
  readonly pages: Readonly<SentCounts> & { readonly requested: number; readonly pushed: number };
  readonly bytes: { readonly sent: number };
  readonly bandwidth: number | null;
  readonly dirtyRate: number | null;
  readonly error: Problem | null;
}

/** Where the numbers of a view come from. */
export interface Viewed {
  readonly id: string;
  readonly context: OutgoingContext;
  readonly guest: SourceGuest | undefined;
  readonly transfer: Transfer | undefined;
  readonly bandwidthCaps: BandwidthCaps;
  readonly error: PageferryError | undefined;
}

export function viewOutgoing({ id, context, guest, transfer, bandwidthCaps, error }: Viewed): OutgoingView {
  const { request, states, progress } = context;
  return {
    id,
    guest: request.guest,
    destination: { url: request.destination.url, guest: guestThere(request) },
    mode: request.mode,
    state: states.state,
    history: states.history,
    startedAt: progress.startedAt,
    totalMs: progress.totalMs,
    downtimeMs: progress.downtimeMs,
    downtime: progress.downtime,
    iterations: progress.iterationTable.count,
    iterationTable: progress.iterationTable.rows,
    memory: guest === undefined ? null : { bytes: guest.layout.bytes, pages: guest.layout.pageCount },
    remainingPages: progress.remainingPages,
    bandwidthCaps,
    pages: {
      ...(transfer?.sender.sent ?? NOTHING_SENT),
      requested: progress.requests,
      pushed: progress.pushedPages,
    },
    bytes: { sent: transfer?.flow.sentBytes ?? 0 },
    bandwidth: transfer?.flow.bytesPerSecond ?? null,
    dirtyRate: progress.dirtyRate,
    error: error === undefined ? null : problemOf(error),
  };
}
