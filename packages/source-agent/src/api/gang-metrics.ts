import { Counter, Gauge, type Registry } from 'prom-client';
import { gangStates, memberStates } from '../gang/gang-states.js';
import type { ServedGangs } from './gang-routes.js';

const finalOf = (states: Readonly<Record<string, readonly string[]>>): string[] =>
  Object.entries(states).flatMap(([state, next]) => (next.length === 0 ? [state] : []));

/** Gangs under way, and what has become of those that have ended and of their guests. Every series begins at 0. */
export function measureGangs(gangs: ServedGangs, registry: Registry): void {
  const registers = [registry];
  new Gauge({
    name: 'pageferry_gangs_running',
    help: 'Gangs of guests that are under way',
    registers,
    collect() {
      this.set(gangs.underwayCount);
    },
  });
  const ended = new Counter({
    name: 'pageferry_gangs_total',
    help: 'Gangs of guests that have ended, by how',
    labelNames: ['result'],
    registers,
  });
  for (const result of finalOf(gangStates)) ended.inc({ result }, 0);
  const guests = new Counter({
    name: 'pageferry_gang_guests_total',
    help: 'Guests of gangs that have ended, by what became of them',
    labelNames: ['result'],
    registers,
  });
  for (const result of finalOf(memberStates)) guests.inc({ result }, 0);

  gangs.onEnd((view) => {
    ended.inc({ result: view.state });
    for (const { state } of view.guests) guests.inc({ result: state });
  });
}
