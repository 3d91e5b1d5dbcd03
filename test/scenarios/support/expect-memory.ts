import { expect } from 'vitest';
import type { Workload } from '../../guests/workload.js';

const soonMs = 15_000;

/** The guest goes on with its work, and finds all of its memory as it has left it. */
export async function expectMemory(workload: Workload, pages: number): Promise<void> {
  await workload.waitUntilAnswering(soonMs);
  expect(await workload.check()).toMatchObject({ pages, errors: 0 });
  expect(workload.reportedErrors).toEqual([]);
}
