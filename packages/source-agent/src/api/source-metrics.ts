import type { EventStreams } from '@pageferry/daemon';
import { Gauge, Registry } from 'prom-client';
import { measureEnded } from './ended-metrics.js';
import { measureGangs } from './gang-metrics.js';
import type { ServedGangs } from './gang-routes.js';
import { measurePreparations } from './preparation-metrics.js';
import type { ServedPreparations } from './preparation-routes.js';
import { measureRunning } from './running-metrics.js';
import type { ServedMigrations } from './served-migrations.js';

/** What is measured. */
export interface Measured {
  readonly migrations: ServedMigrations;
  readonly gangs: ServedGangs;
  readonly preparations: ServedPreparations;
}

/** The source agent's metrics: see docs/metrics.md. */
export function measureMigrations(
  { migrations, gangs, preparations }: Measured,
  streams: EventStreams,
): Registry {
  const registry = new Registry();
  measureEnded(migrations, registry);
  measureRunning(migrations, registry);
  measureGangs(gangs, registry);
  measurePreparations(preparations, registry);
  new Gauge({
    name: 'pageferry_event_streams',
    help: 'Streams of server-sent events that are open',
    registers: [registry],
    collect() {
      this.set(streams.count);
    },
  });
  return registry;
}
