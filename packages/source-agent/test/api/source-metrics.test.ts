import { EventStreams } from '@pageferry/daemon';
import { expect, test } from 'vitest';
import { measureMigrations } from '../../src/api/source-metrics.js';
import type { OutgoingView } from '../../src/outgoing-resource.js';
import { FakeMigrations, id, noGangs, noPreparations } from '../support/fake-migrations.js';
import { requestFor } from '../support/source-host.js';

test('migrations are counted when they end, and measured while they run', async () => {
  const migrations = new FakeMigrations();
  const registry = measureMigrations(
    { migrations, gangs: noGangs, preparations: noPreparations },
    new EventStreams(),
  );
  const { migration, guest } = { migration: id, guest: 'web1' };
  await migrations.start({ ...requestFor(guest), bandwidthCaps: { precopy: 1_000_000 } });
  migrations.end('m1', 1, 'db');
  const text = await registry.metrics();
  expect(text).toContain('pageferry_migrations_running 1\n');
  expect(text).toContain('pageferry_migrations_in_state{state="setup"} 1\n');
  expect(text).toContain('pageferry_migrations_in_state{state="postcopy-paused"} 0\n');
  expect(text).not.toContain('in_state{state="completed"}');
  expect(text).toContain('pageferry_migrations_limit 4\n');
  expect(text).toContain('pageferry_migrations_total{result="completed"} 1\n');
  expect(text).toContain('pageferry_migrations_total{result="failed"} 0\n');
  expect(text).toContain('pageferry_migration_downtime_seconds_bucket{le="0.05"} 1\n');
  expect(text).toContain('pageferry_migration_downtime_over_limit_total 0\n');
  expect(text).toContain('pageferry_sent_bytes_total 1000\n');
  const labels = `migration="${migration}",guest="${guest}"`;
  expect(text).toContain(`pageferry_migration_remaining_bytes{${labels}} 0\n`);
  expect(text).toContain(`pageferry_migration_bandwidth_limit_bytes_per_second{${labels}} 1000000\n`);
  expect(text).toContain(`pageferry_migration_sent_pages{${labels},encoding="raw"} 0\n`);
  migrations.started.length = 0;
  expect(await registry.metrics()).not.toContain(id);
});

/** What the metrics say after a migration has ended so. */
async function afterEnd(ended: Partial<OutgoingView>): Promise<string> {
  const listeners: ((view: OutgoingView) => void)[] = [];
  const onEnd = (listener: (view: OutgoingView) => void): void => void listeners.push(listener);
  const migrations = Object.assign(new FakeMigrations(), { onEnd });
  const registry = measureMigrations(
    { migrations, gangs: noGangs, preparations: noPreparations },
    new EventStreams(),
  );
  const view = new FakeMigrations().end('m1', 1, 'db');
  for (const listener of listeners) listener({ ...view, ...ended });
  return registry.metrics();
}

test.each([
  ['peer-lost', 'peer-lost'],
  ['a-code-of-a-newer-table', 'internal'],
])('a failure with %s is counted as %s', async (code, counted) => {
  const error = { type: `urn:pageferry:error:${code}`, title: '', status: 500, detail: '' };
  const text = await afterEnd({ state: 'failed', error });
  expect(text).toContain(`pageferry_migration_failures_total{code="${counted}"} 1\n`);
  expect(text).toContain('pageferry_migration_failures_total{code="journal"} 0\n');
});

test('a downtime over the limit is counted, one that is just it is not', async () => {
  const over = 'pageferry_migration_downtime_over_limit_total';
  expect(await afterEnd({ downtimeMs: 301, downtimeLimitMs: 300 })).toContain(`${over} 1\n`);
  expect(await afterEnd({ downtimeMs: 300, downtimeLimitMs: 300 })).toContain(`${over} 0\n`);
});

test('what was filtered is counted by what became of it', async () => {
  const pageFilter = {
    state: 'on',
    reason: null,
    kernel: '6.12',
    pages: null,
    leftOut: 7,
    sentAfterAll: 2,
    deferred: 3,
    looks: 1,
    lookMs: 1,
  } as const;
  const text = await afterEnd({ pageFilter });
  expect(text).toContain('pageferry_filtered_pages_total{treatment="left-out"} 7\n');
  expect(text).toContain('pageferry_filtered_pages_total{treatment="sent-after-all"} 2\n');
  expect(text).toContain('pageferry_filtered_pages_total{treatment="deferred"} 3\n');
  expect(await afterEnd({ pageFilter: null })).toContain('{treatment="left-out"} 0\n');
});

test('each page is counted once, by its encoding, and in post-copy by what brought it', async () => {
  const pages = {
    normal: 10,
    reference: 6,
    patch: 8,
    compressed: 4,
    delta: 3,
    unchanged: 2,
    zero: 7,
    requested: 5,
    pushed: 1,
  };
  const text = await afterEnd({ pages });
  const expected = { raw: 6, compressed: 4, reference: 6, patch: 8, delta: 3, zero: 7 };
  for (const [encoding, count] of Object.entries(expected))
    expect(text).toContain(`pageferry_sent_pages_total{encoding="${encoding}"} ${count}\n`);
  expect(text).toContain('pageferry_postcopy_pages_total{reason="requested"} 5\n');
  expect(text).toContain('pageferry_postcopy_pages_total{reason="pushed"} 1\n');
});
