import type { Migration } from '../api/schemas.js';

/** What the resource says only between the lines. */
export interface ProgressOf {
  /** What the destination has of the guest's memory, from 0 to 1; undefined while that is not known. */
  readonly arrived: number | undefined;
  readonly remainingBytes: number | undefined;
  /** Until all memory has arrived, ms; undefined while that is not known. */
  readonly leftMs: number | undefined;
  /** For how long the guest has stood still, or did, ms; undefined before it is stopped. */
  readonly downtimeMs: number | undefined;
}

/** States in which the guest still writes the memory that is sent. */
const runningHere: readonly string[] = ['setup', 'active', 'pre-switchover'];
/** States in which something is sent. */
const sending: readonly string[] = ['active', 'pre-switchover', 'device', 'postcopy-active'];

export function progressOf(migration: Migration): ProgressOf {
  const { state, memory, remainingPages } = migration;
  const begun = migration.history.some((entry) => entry.state === 'active');
  const pageBytes = memory === null || memory.pages === 0 ? undefined : memory.bytes / memory.pages;
  const remainingBytes = begun && pageBytes !== undefined ? remainingPages * pageBytes : undefined;
  const bytes = memory?.bytes ?? 0;
  const share = remainingBytes === undefined || bytes === 0 ? undefined : 1 - remainingBytes / bytes;
  return {
    arrived: state === 'completed' ? 1 : share === undefined ? undefined : Math.min(Math.max(share, 0), 1),
    remainingBytes,
    leftMs:
      remainingBytes === undefined || !sending.includes(state)
        ? undefined
        : leftMs(migration, remainingBytes),
    downtimeMs: migration.downtimeMs ?? standingStillMs(migration),
  };
}

function leftMs({ state, bandwidth, dirtyRate }: Migration, remainingBytes: number): number | undefined {
  const lost = runningHere.includes(state) ? (dirtyRate ?? 0) : 0;
  const gained = (bandwidth ?? 0) - lost;
  return gained > 0 ? (remainingBytes / gained) * 1000 : undefined;
}

/** By the agent's clock, which may not be this host's. */
function standingStillMs({ state, history, startedAt, totalMs }: Migration): number | undefined {
  const stopped = history.find((entry) => entry.state === 'device');
  return stopped === undefined || state !== 'device'
    ? undefined
    : Math.max(startedAt + totalMs - stopped.at, 0);
}
