import { countEnded } from '@pageferry/daemon';
import { Counter, Histogram, type Registry } from 'prom-client';
import { measured } from './measured-direction.js';
import { encodings, sentPagesOf } from './sent-pages-of.js';
import type { ServedMigrations } from './served-migrations.js';

const MINUTES_SECONDS = [1, 5, 15, 60, 300, 900, 3600];
const DOWNTIME_SECONDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60];
const PROBLEM_PREFIX = 'urn:pageferry:error:';
const reasons = ['requested', 'pushed'] as const;
const treatments = ['left-out', 'sent-after-all', 'deferred'] as const;

/** What has become of the migrations that have ended. Every series begins at 0: what is new with 1 has no increase. */
export function measureEnded(migrations: ServedMigrations, registry: Registry): void {
  const registers = [registry];
  const count = countEnded(measured, registry);
  const durations = new Histogram({
    name: 'pageferry_migration_total_seconds',
    help: 'Time that migrations took',
    labelNames: ['result'],
    buckets: MINUTES_SECONDS,
    registers,
  });
  const downtimes = new Histogram({
    name: 'pageferry_migration_downtime_seconds',
    help: 'Time for which guests stood still while they moved',
    buckets: DOWNTIME_SECONDS,
    registers,
  });
  const late = new Counter({
    name: 'pageferry_migration_downtime_over_limit_total',
    help: 'Guests that stood still for longer than the downtime limit of their migration',
    registers,
  });
  const sentBytes = new Counter({
    name: 'pageferry_sent_bytes_total',
    help: 'Page stream sent by migrations that have ended',
    registers,
  });
  const sentPages = new Counter({
    name: 'pageferry_sent_pages_total',
    help: 'Pages sent by migrations that have ended, by their encoding',
    labelNames: ['encoding'],
    registers,
  });
  for (const encoding of encodings) sentPages.inc({ encoding }, 0);
  const postcopyPages = new Counter({
    name: 'pageferry_postcopy_pages_total',
    help: 'Pages of post-copies that have ended: those that guests waited for, and those that came unasked',
    labelNames: ['reason'],
    registers,
  });
  for (const reason of reasons) postcopyPages.inc({ reason }, 0);
  const filteredPages = new Counter({
    name: 'pageferry_filtered_pages_total',
    help: 'Pages of guests that have moved which these could do without: left out, sent after all, or sent last',
    labelNames: ['treatment'],
    registers,
  });
  for (const treatment of treatments) filteredPages.inc({ treatment }, 0);

  migrations.onEnd((view) => {
    const { state, error, totalMs, downtimeMs, downtimeLimitMs, bytes, pages, pageFilter } = view;
    const result = count(state, error?.type.slice(PROBLEM_PREFIX.length));
    durations.observe({ result }, totalMs / 1000);
    if (downtimeMs !== null) {
      downtimes.observe(downtimeMs / 1000);
      if (downtimeMs > downtimeLimitMs) late.inc();
    }
    sentBytes.inc(bytes.sent);
    const sent = sentPagesOf(view);
    for (const encoding of encodings) sentPages.inc({ encoding }, sent[encoding]);
    for (const reason of reasons) postcopyPages.inc({ reason }, pages[reason]);
    filteredPages.inc({ treatment: 'left-out' }, pageFilter?.leftOut ?? 0);
    filteredPages.inc({ treatment: 'sent-after-all' }, pageFilter?.sentAfterAll ?? 0);
    filteredPages.inc({ treatment: 'deferred' }, pageFilter?.deferred ?? 0);
  });
}
