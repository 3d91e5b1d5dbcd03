import type { Migration } from '../api/schemas.js';
import { formatDuration, formatRate } from './units.js';

type Limited = Pick<Migration, 'downtimeLimitMs' | 'timeLimitMs' | 'whenStalled' | 'bandwidthCaps'>;

/** What a migration may take, and what is done when that is not enough: what of it the agent says, in words. */
export function limitsOf({ downtimeLimitMs, timeLimitMs, whenStalled, bandwidthCaps }: Limited): string {
  const parts = [
    downtimeLimitMs !== undefined && `downtime ${formatDuration(downtimeLimitMs)}`,
    timeLimitMs !== undefined && `pre-copy ${formatDuration(timeLimitMs)}`,
    whenStalled !== undefined && `when stalled ${whenStalled}`,
    bandwidthCaps !== undefined &&
      `bandwidth ${cap(bandwidthCaps.precopy)} before the switch-over, ${cap(bandwidthCaps.postcopy)} after it`,
  ];
  return parts.filter((part) => part !== false).join(', ');
}

const cap = (bytesPerSecond: number): string =>
  bytesPerSecond === 0 ? 'unlimited' : formatRate(bytesPerSecond);
