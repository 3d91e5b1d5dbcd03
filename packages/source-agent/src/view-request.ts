import { guestThere } from './outgoing-context.js';
import type { OutgoingView } from './outgoing-resource.js';
import type { MigrationRequest } from './request.js';
import { NOTHING_SENT } from './sent-counts.js';
import { Steering } from './steering.js';

/**
 * A migration of which nothing but the request is known.
 * @param startedAt ms since the epoch
 */
export function viewRequest(id: string, request: MigrationRequest, startedAt: number): OutgoingView {
  const { bandwidthCaps, downtimeLimitMs, timeLimitMs, whenStalled } = new Steering(request);
  return {
    id,
    guest: request.guest,
    destination: { url: request.destination.url, guest: guestThere(request) },
    mode: request.mode,
    state: 'setup',
    history: [{ state: 'setup', at: startedAt }],
    startedAt,
    totalMs: 0,
    downtimeMs: null,
    downtime: null,
    iterations: 0,
    iterationTable: [],
    memory: null,
    remainingPages: 0,
    downtimeLimitMs,
    timeLimitMs,
    whenStalled,
    bandwidthCaps: { ...bandwidthCaps },
    pages: { ...NOTHING_SENT, requested: 0, pushed: 0 },
    pageFilter: null,
    storage: null,
    bytes: { sent: 0 },
    bandwidth: null,
    dirtyRate: null,
    error: null,
  };
}
