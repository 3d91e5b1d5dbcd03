import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { Guest } from '../../guests/guest.js';

/** Long enough for some pages at any rate of writing. */
const writingMs = 300;

/** The guest runs here, goes on with its work, and finds every page that it has filled as it must be. */
export async function expectWhole(guest: Guest, pages: number): Promise<void> {
  expect(await guest.state()).toBe('running');
  await guest.waitUntilReady();
  expect(await guest.workload.check()).toMatchObject({ pages, errors: 0 });
  await guest.workload.write({ megabytesPerSecond: 20 });
  const before = await guest.workload.status();
  await sleep(writingMs);
  const after = await guest.workload.status();
  expect(after.written).toBeGreaterThan(before.written);
  expect(after.errors).toBe(0);
  expect(guest.workload.reportedErrors).toEqual([]);
}
