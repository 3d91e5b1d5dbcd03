import { EventStreams } from '@pageferry/daemon';
import { expect, test } from 'vitest';
import { measureMigrations } from '../../src/api/source-metrics.js';
import { FakeMigrations, id } from '../support/fake-migrations.js';
import { requestFor } from '../support/source-host.js';

test('migrations are counted when they end, and measured while they run', async () => {
  const migrations = new FakeMigrations();
  const registry = measureMigrations(migrations, new EventStreams());
  await migrations.start(requestFor('web1'));
  migrations.end('m1', 1, 'db');
  const text = await registry.metrics();
  expect(text).toContain('pageferry_migrations_running 1\n');
  expect(text).toContain('pageferry_migrations_limit 4\n');
  expect(text).toContain('pageferry_migrations_total{result="completed"} 1\n');
  expect(text).toContain('pageferry_migrations_total{result="failed"} 0\n');
  expect(text).toContain('pageferry_migration_downtime_seconds_bucket{le="0.05"} 1\n');
  expect(text).toContain('pageferry_sent_bytes_total 1000\n');
  expect(text).toContain(`pageferry_migration_remaining_bytes{migration="${id}",guest="web1"} 0\n`);
  migrations.started.length = 0;
  expect(await registry.metrics()).not.toContain(id);
});
