import { expect } from 'vitest';
import { eventually } from '../../environment/deadline.js';
import type { Guest } from '../../guests/guest.js';

const megabytesPerSecond = 20;
/** It must verify and rewrite so many: a tenth of a second's work. */
const rewrittenPages = 500;
const deadlineMs = 30_000;
const intervalMs = 20;

/** The guest runs here, goes on with its work, and finds every page that it has filled as it must be. */
export async function expectWhole(guest: Guest, pages: number): Promise<void> {
  expect(await guest.state()).toBe('running');
  await guest.waitUntilReady();
  expect(await guest.workload.check()).toMatchObject({ pages, errors: 0 });
  await guest.workload.write({ megabytesPerSecond });
  const before = await guest.workload.status();
  const after = await eventually(
    async () => {
      const status = await guest.workload.status();
      return status.written >= before.written + rewrittenPages && status;
    },
    deadlineMs,
    'pages that the guest rewrites',
    intervalMs,
  );
  expect(after.errors).toBe(0);
  expect(guest.workload.reportedErrors).toEqual([]);
}
