import { PageferryError } from '@pageferry/errors';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * A signal that is aborted by the first of SIGINT, SIGTERM and SIGHUP. The process does not die of them until `end`: it
 * has something to put back.
 */
export function abortedBySignals(): { readonly signal: AbortSignal; readonly end: () => void } {
  const controller = new AbortController();
  const onSignal = (name: string): void => {
    controller.abort(new PageferryError('cancelled', `ended by ${name}`));
  };
  for (const name of SIGNALS) process.on(name, onSignal);
  return {
    signal: controller.signal,
    end: () => {
      for (const name of SIGNALS) process.off(name, onSignal);
    },
  };
}
