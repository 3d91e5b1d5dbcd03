import type { ErrorCode, PageferryError } from '@pageferry/errors';

/** What may be otherwise in a while: the guest still runs here, and is tried again. */
const PASSING: readonly ErrorCode[] = [
  'peer-lost',
  'peer-unreachable',
  'peer-timeout',
  'too-many-migrations',
];
const MOST_ATTEMPTS = 5;
/** Before the second attempt; twice as long before each that follows. */
const FIRST_PAUSE_MS = 500;

/** Whether a guest is tried once more, after so many attempts, of which the last one failed with this error. */
export function mayTryAgain({ code }: PageferryError, attempts: number): boolean {
  return PASSING.includes(code) && attempts < MOST_ATTEMPTS;
}

/** Before the next attempt, after so many, ms. */
export function pauseMs(attempts: number): number {
  return FIRST_PAUSE_MS * 2 ** (attempts - 1);
}
