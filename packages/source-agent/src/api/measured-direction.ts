import { outgoingStates } from '../states.js';

/** What the metrics of both, those under way and those that have ended, are about. */
export const measured = {
  prefix: 'pageferry',
  direction: 'out of this host',
  states: outgoingStates,
} as const;
