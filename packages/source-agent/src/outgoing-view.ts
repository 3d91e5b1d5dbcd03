import { problemOf } from '@pageferry/daemon';
import type { PageferryError } from '@pageferry/errors';
import { guestThere, type OutgoingContext } from './outgoing-context.js';
import type { OutgoingView } from './outgoing-resource.js';
import { NOTHING_SENT } from './sent-counts.js';
import type { SourceGuest } from './source-guest.js';
import type { Transfer } from './transfer.js';

/** Where the numbers of a view come from. */
export interface Viewed {
  readonly id: string;
  readonly context: OutgoingContext;
  readonly guest: SourceGuest | undefined;
  readonly transfer: Transfer | undefined;
  readonly error: PageferryError | undefined;
}

export function viewOutgoing({ id, context, guest, transfer, error }: Viewed): OutgoingView {
  const { request, steering, states, progress } = context;
  const { downtimeLimitMs, timeLimitMs, whenStalled, bandwidthCaps } = steering;
  return {
    id,
    guest: request.guest,
    destination: { url: request.destination.url, guest: guestThere(request) },
    mode: request.mode,
    state: states.state,
    history: [...states.history],
    startedAt: progress.startedAt,
    totalMs: progress.totalMs,
    downtimeMs: progress.downtimeMs,
    downtime: progress.downtime,
    iterations: progress.iterationTable.count,
    iterationTable: [...progress.iterationTable.rows],
    memory: guest === undefined ? null : { bytes: guest.layout.bytes, pages: guest.layout.pageCount },
    remainingPages: progress.remainingPages,
    downtimeLimitMs,
    timeLimitMs,
    whenStalled,
    bandwidthCaps,
    pages: {
      ...(transfer?.sender.sent ?? NOTHING_SENT),
      requested: progress.requests,
      pushed: progress.pushedPages,
    },
    pageFilter: transfer?.filter.view ?? null,
    storage: transfer?.storage?.view ?? null,
    bytes: { sent: transfer?.flow.sentBytes ?? 0 },
    bandwidth: transfer?.flow.bytesPerSecond ?? null,
    dirtyRate: progress.dirtyRate,
    error: error === undefined ? null : problemOf(error),
  };
}

export type { OutgoingView };
