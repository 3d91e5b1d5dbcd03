import { MOST_MEASURED, countEnded, measureUnderway } from '@pageferry/daemon';
import { PAGE_SIZE } from '@pageferry/transfer';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { IncomingMigrations } from '../incoming-migrations.js';
import type { IncomingView } from '../incoming-resource.js';
import { incomingStates } from '../states.js';

const labels = ['migration', 'guest'] as const;
const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const measured = {
  prefix: 'pageferry_incoming',
  direction: 'into this host',
  states: incomingStates,
} as const;

/** What of all incoming migrations is measured. */
export type MeasuredMigrations = Pick<IncomingMigrations, 'underway' | 'limit' | 'onEnd' | 'onPageArrived'>;

/** The destination agent's metrics: see docs/metrics.md. */
export function measureMigrations(migrations: MeasuredMigrations): Registry {
  const registry = new Registry();
  const registers = [registry];
  measureEnded(migrations, registry);
  measureRequests(migrations, registry);
  measureUnderway(measured, migrations, registry);
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

function measureEnded(migrations: MeasuredMigrations, registry: Registry): void {
  const count = countEnded(measured, registry);
  const received = new Counter({
    name: 'pageferry_incoming_received_bytes_total',
    help: 'Page stream received by migrations that have ended',
    registers: [registry],
  });
  migrations.onEnd((view) => {
    count(view.state, view.error?.code);
    received.inc(view.received.bytes);
  });
}

function measureRequests(migrations: MeasuredMigrations, registry: Registry): void {
  const requests = new Histogram({
    name: 'pageferry_page_request_seconds',
    help: 'Time from a request of a guest in post-copy until the page was written to its QEMU',
    buckets: SECONDS,
    registers: [registry],
  });
  migrations.onPageArrived((seconds) => {
    requests.observe(seconds);
  });
}
