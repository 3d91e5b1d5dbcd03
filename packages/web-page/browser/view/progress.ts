import type { Migration } from '../api/migration.js';

/** What the resource says only between the lines. */
export interface Progress {
  /** What the destination has of the guest's memory, from 0 to 1. */
  readonly arrived: number | undefined;
  readonly remainingBytes: number | undefined;
  /** Until all memory has arrived, ms. */
  readonly leftMs: number | undefined;
  /** For how long the guest has stood still, or did, ms. */
  readonly downtimeMs: number | undefined;
}

/** States in which the guest still writes the memory that is sent. */
const runningHere: readonly string[] = ['active', 'pre-switchover'];
const sending: readonly string[] = [...runningHere, 'device', 'postcopy-active'];

/** Bytes of a page of the guest; undefined while its memory is not known. */
export const pageBytesOf = ({ memory }: Migration): number | undefined =>
  memory === undefined || memory.pages === 0 ? undefined : memory.bytes / memory.pages;

export function progressOf(migration: Migration): Progress {
  const { state, memory, remainingPages } = migration;
  const begun = migration.history.some((entry) => sending.includes(entry.state));
  const pageBytes = pageBytesOf(migration);
  const remaining = begun && pageBytes !== undefined ? remainingPages * pageBytes : undefined;
  const remainingBytes = state === 'completed' ? 0 : remaining;
  return {
    arrived: state === 'completed' ? 1 : shareOf(remainingBytes, memory?.bytes),
    remainingBytes,
    leftMs: leftMs(migration, remainingBytes),
    downtimeMs: migration.downtimeMs ?? standingStillMs(migration),
  };
}

function shareOf(remainingBytes: number | undefined, bytes: number | undefined): number | undefined {
  if (remainingBytes === undefined || bytes === undefined || bytes === 0) return undefined;
  return Math.min(Math.max(1 - remainingBytes / bytes, 0), 1);
}

function leftMs(
  { state, bandwidth = 0, dirtyRate = 0 }: Migration,
  remaining: number | undefined,
): number | undefined {
  if (remaining === undefined || !sending.includes(state)) return undefined;
  const gained = bandwidth - (runningHere.includes(state) ? dirtyRate : 0);
  return gained > 0 ? (remaining / gained) * 1000 : undefined;
}

/** By the agent's clock. */
function standingStillMs({ state, history, startedAt, totalMs }: Migration): number | undefined {
  const stopped = history.find((entry) => entry.state === 'device');
  if (stopped === undefined || state !== 'device') return undefined;
  return Math.max(startedAt + totalMs - stopped.at, 0);
}
