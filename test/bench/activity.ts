import { setTimeout as sleep } from 'node:timers/promises';
import type { Guest } from '../guests/guest.js';
import { monotonicMs } from '../guests/heartbeat.js';
import { numberInGuest } from './in-guest.js';
import type { Load } from './load.js';
import type { Pair } from './outcome.js';
import type { Activity } from './run.js';

const sectorBytes = 512;
/** For a guest that has just come, and waits for its pages. */
const answerMs = 30_000;

/** All disks of the guest together; the sixth field is sectors read. */
const readSectors = `awk '$3 ~ /^(vd|sd)[a-z]$|^nvme[0-9]n[0-9]$/ { sectors += $6 } END { print sectors + 0 }' /proc/diskstats`;

interface Sample {
  readonly atMs: number;
  readonly work: number;
  readonly readBytes: number;
}

async function sampleOf(load: Load, guest: Guest): Promise<Sample> {
  const readBytes = (await numberInGuest(guest, readSectors)) * sectorBytes;
  const work = await load.work(guest);
  return { atMs: monotonicMs(), work, readBytes };
}

/** What the guest does from now on for so long. */
export async function activityOf(load: Load, guest: Guest, windowMs: number): Promise<Activity> {
  const from = await sampleOf(load, guest);
  await sleep(windowMs);
  const to = await sampleOf(load, guest);
  return {
    rate: ((to.work - from.work) * 1000) / (to.atMs - from.atMs),
    readBytes: to.readBytes - from.readBytes,
  };
}

/**
 * Waits for a guest to run on the destination, and tells what it does from then on; to be called before it moves. What is
 * returned brings it: null if it cannot be told.
 */
export function watchAfterSwitchOver(
  load: Load,
  { destination }: Pair,
  windowMs: number,
): () => Promise<Activity | null> {
  const seen = destination.monitor.timeOf('RESUME').then(async () => {
    await destination.workload.waitUntilAnswering(answerMs);
    return activityOf(load, destination, windowMs);
  });
  const told = seen.catch((error: unknown) => {
    console.error(`what ${destination.name} does after the switch-over: ${String(error)}`);
    return null;
  });
  return () => told;
}
