import type { ErrorCode, PageferryError } from '@pageferry/errors';

/** What may be otherwise in a while: the guest still runs here, and is tried again. */
const PASSING: readonly ErrorCode[] = ['peer-lost', 'peer-unreachable', 'peer-timeout'];
const MOST_ATTEMPTS = 5;
/** While a host allows no more migrations: about an hour. */
const MOST_ATTEMPTS_WHEN_FULL = 120;
/** Before the second attempt; twice as long before each that follows, */
const FIRST_PAUSE_MS = 500;
/** but no longer than this. */
const LONGEST_PAUSE_MS = 30_000;

/** Whether a guest is tried once more, after so many attempts, of which the last one failed with this error. */
export function mayTryAgain({ code }: PageferryError, attempts: number): boolean {
  if (code === 'too-many-migrations') return attempts < MOST_ATTEMPTS_WHEN_FULL;
  return PASSING.includes(code) && attempts < MOST_ATTEMPTS;
}

/** Before the next attempt, after so many, ms. */
export function pauseMs(attempts: number): number {
  return Math.min(FIRST_PAUSE_MS * 2 ** (attempts - 1), LONGEST_PAUSE_MS);
}
