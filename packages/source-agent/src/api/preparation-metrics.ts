import { Counter, Gauge, type Registry } from 'prom-client';
import { preparationStates } from '../preparation/preparation-states.js';
import type { ServedPreparations } from './preparation-routes.js';

/** Preparations under way, what has become of the others, and what all of them take. Every series begins at 0. */
export function measurePreparations(preparations: ServedPreparations, registry: Registry): void {
  const registers = [registry];
  new Gauge({
    name: 'pageferry_preparations_running',
    help: 'Preparations that are under way or kept up to date',
    registers,
    collect() {
      this.set(preparations.underwayCount);
    },
  });
  new Counter({
    name: 'pageferry_preparation_processor_seconds_total',
    help: 'Processor time that preparations have taken',
    registers,
    collect() {
      // They count by themselves, and never less than before.
      this.reset();
      this.inc(preparations.processorMs / 1000);
    },
  });
  const ended = new Counter({
    name: 'pageferry_preparations_total',
    help: 'Preparations that are over, by how',
    labelNames: ['result'],
    registers,
  });
  for (const [result, next] of Object.entries(preparationStates))
    if (next.length === 0) ended.inc({ result }, 0);

  preparations.onEnd(({ state }) => {
    ended.inc({ result: state });
  });
}
