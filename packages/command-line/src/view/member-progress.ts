import type { Member } from '../api/gang-schemas.js';
import { formatBytes, formatDuration, formatPercent } from './units.js';

const TRY_AGAIN = 'waiting to be tried again';
/** Shorter than of a migration that is watched by itself: there is a line for each guest. */
const phases: Readonly<Record<string, string>> = {
  setup: 'comparing the hosts',
  active: 'pre-copy',
  'pre-switchover': 'pre-copy',
  device: 'switch-over',
  'postcopy-active': 'post-copy',
  'postcopy-paused': 'post-copy, paused',
  'postcopy-recover': 'post-copy, paused',
  completed: 'arrived',
  cancelling: 'being cancelled',
  failed: TRY_AGAIN,
};
const states: Readonly<Record<string, string>> = {
  cancelled: 'cancelled, stays here',
  failed: 'failed',
  skipped: 'not begun, stays here',
};
/** Of a migration that sends pages; before it nothing is known of what remains. */
const sending: readonly string[] = [
  'active',
  'pre-switchover',
  'device',
  'postcopy-active',
  'postcopy-paused',
  'postcopy-recover',
];
const UNKNOWN = '-';

/** A guest of a gang, in words. */
export interface MemberProgress {
  readonly state: string;
  readonly arrived: string;
  readonly remaining: string;
  readonly sent: string;
  readonly downtime: string;
}

export function memberProgress(member: Member): MemberProgress {
  const { memory, remainingPages, downtimeMs, sentBytes } = member;
  const isKnown = isSending(member) && memory !== null && memory.pages > 0;
  const share = isKnown ? Math.min(remainingPages / memory.pages, 1) : undefined;
  const arrived = member.state === 'moved' ? 1 : share === undefined ? undefined : 1 - share;
  return {
    state: stateOf(member),
    arrived: arrived === undefined ? UNKNOWN : formatPercent(arrived),
    remaining: share === undefined ? UNKNOWN : formatBytes(share * (memory?.bytes ?? 0)),
    sent: sentBytes === 0 ? UNKNOWN : formatBytes(sentBytes),
    downtime: downtimeMs === null ? UNKNOWN : formatDuration(downtimeMs),
  };
}

function stateOf({ state, migrationState, attempts }: Member): string {
  if (state === 'waiting') return attempts === 0 ? 'waiting' : TRY_AGAIN;
  if (state !== 'moving') return states[state] ?? state;
  return migrationState === null ? 'starting' : (phases[migrationState] ?? migrationState);
}

function isSending({ state, migrationState }: Member): boolean {
  return state === 'moving' && migrationState !== null && sending.includes(migrationState);
}
