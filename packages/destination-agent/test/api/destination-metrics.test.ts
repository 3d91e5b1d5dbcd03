import { PageferryError } from '@pageferry/errors';
import { expect, test } from 'vitest';
import { measureMigrations } from '../../src/api/destination-metrics.js';
import type { IncomingView } from '../../src/incoming-resource.js';

const view: IncomingView = {
  id: 'm1',
  guest: 'web1',
  mode: 'hybrid',
  state: 'postcopy-paused',
  history: [],
  startedAt: 0,
  owner: true,
  received: {
    normalPages: 1,
    deltaPages: 0,
    zeroPages: 0,
    referencePages: 0,
    patchPages: 0,
    restoredPages: 0,
    bytes: 1000,
  },
  missingPages: 2,
  pageRequests: 3,
  error: null,
};

test('migrations are counted when they end, and measured while they run', async () => {
  const listeners: ((view: IncomingView) => void)[] = [];
  const underway = [view];
  const onEnd = (listener: (view: IncomingView) => void): void => void listeners.push(listener);
  const registry = measureMigrations({ underway, limit: 4, onEnd, onPageArrived: () => undefined });
  const error = new PageferryError('peer-lost', 'it broke').toJSON();
  for (const listener of listeners) listener({ ...view, id: 'm0', state: 'failed', error });

  const text = await registry.metrics();
  expect(text).toContain('pageferry_incoming_migrations_total{result="failed"} 1\n');
  expect(text).toContain('pageferry_incoming_migration_failures_total{code="peer-lost"} 1\n');
  expect(text).toContain('pageferry_incoming_migration_failures_total{code="journal"} 0\n');
  expect(text).toContain('pageferry_incoming_received_bytes_total 1000\n');
  expect(text).toContain('pageferry_incoming_migrations_in_state{state="postcopy-paused"} 1\n');
  expect(text).toContain('pageferry_incoming_migrations_in_state{state="active"} 0\n');
  const labels = 'migration="m1",guest="web1"';
  expect(text).toContain(`pageferry_incoming_migration_missing_bytes{${labels}} 8192\n`);
  expect(text).toContain(`pageferry_incoming_migration_page_requests{${labels}} 3\n`);
  expect(text).toContain(`pageferry_incoming_migration_postcopy_paused{${labels}} 1\n`);

  underway.length = 0;
  expect(await registry.metrics()).not.toContain('m1');
});

test('how long guests wait for pages is a histogram from half a millisecond on', async () => {
  const listeners: ((seconds: number) => void)[] = [];
  const onPageArrived = (listener: (seconds: number) => void): void => void listeners.push(listener);
  const registry = measureMigrations({ underway: [], limit: 4, onEnd: () => undefined, onPageArrived });
  expect(await registry.metrics()).toContain('pageferry_page_request_seconds_count 0\n');
  for (const listener of listeners) for (const seconds of [0.0004, 0.02, 11]) listener(seconds);

  const text = await registry.metrics();
  expect(text).toContain('pageferry_page_request_seconds_bucket{le="0.0005"} 1\n');
  expect(text).toContain('pageferry_page_request_seconds_bucket{le="0.025"} 2\n');
  expect(text).toContain('pageferry_page_request_seconds_bucket{le="10"} 2\n');
  expect(text).toContain('pageferry_page_request_seconds_count 3\n');
});
