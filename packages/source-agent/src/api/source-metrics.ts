import { MOST_MEASURED, type EventStreams } from '@pageferry/daemon';
import { PAGE_SIZE } from '@pageferry/transfer';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { OutgoingView } from '../outgoing-resource.js';
import type { ServedMigrations } from './served-migrations.js';

const MINUTES_SECONDS = [1, 5, 15, 60, 300, 900, 3600];
const DOWNTIME_SECONDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60];
const results = ['completed', 'cancelled', 'failed'] as const;
const labels = ['migration', 'guest'] as const;

/** The source agent's metrics: see docs/metrics.md. */
export function measureMigrations(migrations: ServedMigrations, streams: EventStreams): Registry {
  const registry = new Registry();
  const registers = [registry];
  measureEnded(migrations, registry);

  new Gauge({
    name: 'pageferry_migrations_running',
    help: 'Migrations out of this host that are under way',
    registers,
    collect() {
      this.set(migrations.underway.length);
    },
  });
  new Gauge({
    name: 'pageferry_migrations_limit',
    help: 'Migrations out of this host that may be under way at once',
    registers,
    collect() {
      this.set(migrations.limit);
    },
  });
  new Gauge({
    name: 'pageferry_event_streams',
    help: 'Streams of server-sent events that are open',
    registers,
    collect() {
      this.set(streams.count);
    },
  });

  const running = (name: string, help: string, value: (view: OutgoingView) => number | null): void => {
    new Gauge({
      name: `pageferry_migration_${name}`,
      help: `${help}, of each migration under way`,
      labelNames: labels,
      registers,
      collect() {
        this.reset();
        for (const view of migrations.underway.slice(0, MOST_MEASURED)) {
          const now = value(view);
          if (now !== null) this.set({ migration: view.id, guest: view.guest }, now);
        }
      },
    });
  };
  running('memory_bytes', "The guest's memory", ({ memory }) => memory?.bytes ?? null);
  running(
    'remaining_bytes',
    'What the destination lacks',
    ({ remainingPages }) => remainingPages * PAGE_SIZE,
  );
  running('sent_bytes', 'Page stream sent so far', ({ bytes }) => bytes.sent);
  running('bandwidth_bytes_per_second', "Estimate of the link's bandwidth", ({ bandwidth }) => bandwidth);
  running('dirty_bytes_per_second', 'What the guest writes', ({ dirtyRate }) => dirtyRate);
  running('duration_seconds', 'Time since it began', ({ totalMs }) => totalMs / 1000);
  running('postcopy_paused', 'Whether post-copy waits for the destination', ({ state }) =>
    state === 'postcopy-paused' || state === 'postcopy-recover' ? 1 : 0,
  );
  return registry;
}

function measureEnded(migrations: ServedMigrations, registry: Registry): void {
  const registers = [registry];
  const labelNames = ['result'] as const;
  const ended = new Counter({
    name: 'pageferry_migrations_total',
    help: 'Migrations out of this host that have ended',
    labelNames,
    registers,
  });
  for (const result of results) ended.inc({ result }, 0);
  const durations = new Histogram({
    name: 'pageferry_migration_total_seconds',
    help: 'Time that migrations took',
    labelNames,
    buckets: MINUTES_SECONDS,
    registers,
  });
  const downtimes = new Histogram({
    name: 'pageferry_migration_downtime_seconds',
    help: 'Time for which guests stood still while they moved',
    buckets: DOWNTIME_SECONDS,
    registers,
  });
  const sent = new Counter({
    name: 'pageferry_sent_bytes_total',
    help: 'Page stream sent by migrations that have ended',
    registers,
  });
  migrations.onEnd(({ state, totalMs, downtimeMs, bytes }) => {
    const result = results.find((name) => name === state) ?? 'failed';
    ended.inc({ result });
    durations.observe({ result }, totalMs / 1000);
    if (downtimeMs !== null) downtimes.observe(downtimeMs / 1000);
    sent.inc(bytes.sent);
  });
}
