import { withDeadline } from '../environment/deadline.js';
import type { Guest } from '../guests/guest.js';

/** For the destination to run a guest that has been stopped here, once its migration is over. */
const runDeadlineMs = 30_000;

/** By the events of both QEMUs, on their clock, ms. */
export interface SeenMove {
  /** From the stop here to running there. */
  readonly downtimeMs: number;
  /** From when it began to be watched to running there. */
  readonly runningMs: number;
}

/**
 * Watches for the guest to stop here and run there, whoever moves it. What is returned brings what was seen; undefined if
 * the guest has not been stopped, which one that was stopped before is not.
 */
export function watchDowntime(source: Guest, destination: Guest): () => Promise<SeenMove | undefined> {
  const begun = Date.now();
  let stopped: number | undefined;
  void source.monitor.timeOf('STOP').then((time) => (stopped = time));
  const resumed = destination.monitor.timeOf('RESUME');
  return async () => {
    if (stopped === undefined) return undefined;
    const ran = await withDeadline(resumed, runDeadlineMs, `${destination.name} to run`);
    return { downtimeMs: ran - stopped, runningMs: ran - begun };
  };
}
