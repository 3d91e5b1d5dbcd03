import { MOST_MEASURED } from '@pageferry/daemon';
import { errorTable } from '@pageferry/errors';
import { PAGE_SIZE } from '@pageferry/transfer';
import { Counter, Gauge, Registry } from 'prom-client';
import type { IncomingMigrations } from '../incoming-migrations.js';
import type { IncomingView } from '../incoming-resource.js';
import { incomingStates } from '../states.js';

const results = ['completed', 'cancelled', 'failed'] as const;
const labels = ['migration', 'guest'] as const;
const passingStates = Object.entries(incomingStates).flatMap(([state, next]) =>
  next.length === 0 ? [] : [state],
);

/** What of all incoming migrations is measured. */
export type MeasuredMigrations = Pick<IncomingMigrations, 'underway' | 'limit' | 'onEnd'>;

/** The destination agent's metrics: see docs/metrics.md. */
export function measureMigrations(migrations: MeasuredMigrations): Registry {
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
  new Gauge({
    name: 'pageferry_incoming_migrations_in_state',
    help: 'Migrations into this host that are under way, by their state',
    labelNames: ['state'],
    registers,
    collect() {
      const views = migrations.underway;
      for (const state of passingStates)
        this.set({ state }, views.filter((view) => view.state === state).length);
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

function measureEnded(migrations: MeasuredMigrations, registry: Registry): void {
  const registers = [registry];
  const ended = new Counter({
    name: 'pageferry_incoming_migrations_total',
    help: 'Migrations into this host that have ended',
    labelNames: ['result'],
    registers,
  });
  for (const result of results) ended.inc({ result }, 0);
  const failures = new Counter({
    name: 'pageferry_incoming_migration_failures_total',
    help: 'Migrations into this host that have failed, by the code of the error',
    labelNames: ['code'],
    registers,
  });
  // What is new with 1 has no increase.
  for (const code of Object.keys(errorTable)) failures.inc({ code }, 0);
  const received = new Counter({
    name: 'pageferry_incoming_received_bytes_total',
    help: 'Page stream received by migrations that have ended',
    registers,
  });
  migrations.onEnd((view) => {
    const result = results.find((name) => name === view.state) ?? 'failed';
    ended.inc({ result });
    if (result === 'failed') failures.inc({ code: view.error?.code ?? 'internal' });
    received.inc(view.received.bytes);
  });
}
