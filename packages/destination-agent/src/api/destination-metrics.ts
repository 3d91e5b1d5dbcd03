import { MOST_MEASURED } from '@pageferry/daemon';
import { PAGE_SIZE } from '@pageferry/transfer';
import { Counter, Gauge, Registry } from 'prom-client';
import type { IncomingMigrations } from '../incoming-migrations.js';
import type { IncomingView } from '../incoming-resource.js';

const results = ['completed', 'cancelled', 'failed'] as const;
const labels = ['migration', 'guest'] as const;

/** The destination agent's metrics: see docs/metrics.md. */
export function measureMigrations(migrations: IncomingMigrations): Registry {
  const registry = new Registry();
  const registers = [registry];
  measureEnded(migrations, registry);
  new Gauge({
    name: 'pageferry_incoming_migrations_running',
    help: 'Migrations into this host that are under way',
    registers,
    collect() {
      this.set(migrations.underway.length);
    },
  });
  new Gauge({
    name: 'pageferry_incoming_migrations_limit',
    help: 'Migrations into this host that may be under way at once',
    registers,
    collect() {
      this.set(migrations.limit);
    },
  });
  const running = (name: string, help: string, value: (view: IncomingView) => number): void => {
    new Gauge({
      name: `pageferry_incoming_migration_${name}`,
      help: `${help}, of each migration under way`,
      labelNames: labels,
      registers,
      collect() {
        this.reset();
        for (const view of migrations.underway.slice(0, MOST_MEASURED))
          this.set({ migration: view.id, guest: view.guest ?? '' }, value(view));
      },
    });
  };
  running('received_bytes', 'Page stream received so far', ({ received }) => received.bytes);
  running(
    'missing_bytes',
    'What the running guest lacks, in post-copy',
    ({ missingPages }) => missingPages * PAGE_SIZE,
  );
  running(
    'page_requests',
    'Pages that the guest has waited for, in post-copy',
    ({ pageRequests }) => pageRequests,
  );
  running('postcopy_paused', 'Whether post-copy waits for the source', ({ state }) =>
    state === 'postcopy-paused' || state === 'postcopy-recover' ? 1 : 0,
  );
  return registry;
}

function measureEnded(migrations: IncomingMigrations, registry: Registry): void {
  const registers = [registry];
  const ended = new Counter({
    name: 'pageferry_incoming_migrations_total',
    help: 'Migrations into this host that have ended',
    labelNames: ['result'],
    registers,
  });
  for (const result of results) ended.inc({ result }, 0);
  const received = new Counter({
    name: 'pageferry_incoming_received_bytes_total',
    help: 'Page stream received by migrations that have ended',
    registers,
  });
  migrations.onEnd((view) => {
    ended.inc({ result: results.find((name) => name === view.state) ?? 'failed' });
    received.inc(view.received.bytes);
  });
}
