import { MOST_MEASURED, measureUnderway } from '@pageferry/daemon';
import { PAGE_SIZE } from '@pageferry/transfer';
import { Gauge, type Registry } from 'prom-client';
import type { OutgoingView } from '../outgoing-resource.js';
import { measured } from './measured-direction.js';
import { encodings, sentPagesOf } from './sent-pages-of.js';
import type { ServedMigrations } from './served-migrations.js';

const labels = ['migration', 'guest'] as const;
/** From here on the limit on the bandwidth after the switch-over counts. */
const postcopyStates: readonly string[] = ['postcopy-active', 'postcopy-paused', 'postcopy-recover'];

/** What each migration under way is at. */
export function measureRunning(migrations: ServedMigrations, registry: Registry): void {
  const registers = [registry];
  measureUnderway(measured, migrations, registry);
  new Gauge({
    name: 'pageferry_migration_sent_pages',
    help: 'Pages sent so far by their encoding, of each migration under way',
    labelNames: [...labels, 'encoding'],
    registers,
    collect() {
      this.reset();
      for (const view of shown()) {
        const { id, guest } = view;
        const sent = sentPagesOf(view);
        for (const encoding of encodings) this.set({ migration: id, guest, encoding }, sent[encoding]);
      }
    },
  });

  const shown = (): OutgoingView[] => migrations.underway.slice(0, MOST_MEASURED);
  const running = (name: string, help: string, value: (view: OutgoingView) => number | null): void => {
    new Gauge({
      name: `pageferry_migration_${name}`,
      help: `${help}, of each migration under way`,
      labelNames: labels,
      registers,
      collect() {
        this.reset();
        for (const view of shown()) {
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
  running('bandwidth_limit_bytes_per_second', 'Limit on the bandwidth, if there is one', limitOf);
  running('dirty_bytes_per_second', 'What the guest writes', ({ dirtyRate }) => dirtyRate);
  running('iterations', 'Iterations of pre-copy so far', ({ iterations }) => iterations);
  running('duration_seconds', 'Time since it began', ({ totalMs }) => totalMs / 1000);
  running('postcopy_paused', 'Whether post-copy waits for the destination', ({ state }) =>
    state === 'postcopy-paused' || state === 'postcopy-recover' ? 1 : 0,
  );
}

/** The one that counts now; null where there is none. */
function limitOf({ state, bandwidthCaps: { precopy, postcopy } }: OutgoingView): number | null {
  const cap = postcopyStates.includes(state) ? postcopy : precopy;
  return cap === 0 ? null : cap;
}
