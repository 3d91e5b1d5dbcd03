import { withDeadline } from '../environment/deadline.js';
import type { Guest } from '../guests/guest.js';

/** For the destination to run a guest that has been stopped here, once its migration is over. */
const runDeadlineMs = 30_000;

/**
 * Watches for the guest to stop here and run there, whoever moves it. What is returned brings the milliseconds in
 * between, on the clock of both QEMUs; undefined if the guest has not been stopped, which one that was stopped before
 * is not.
 */
export function watchDowntime(source: Guest, destination: Guest): () => Promise<number | undefined> {
  let stopped: number | undefined;
  void source.monitor.timeOf('STOP').then((time) => (stopped = time));
  const resumed = destination.monitor.timeOf('RESUME');
  return async () => {
    if (stopped === undefined) return undefined;
    return (await withDeadline(resumed, runDeadlineMs, `${destination.name} to run`)) - stopped;
  };
}
