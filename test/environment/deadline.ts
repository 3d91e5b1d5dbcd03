import { setTimeout as sleep } from 'node:timers/promises';

/** What `promise` brings, or an error that says `what` was not there in time. */
export async function withDeadline<T>(promise: Promise<T>, milliseconds: number, what: string): Promise<T> {
  const timer = new AbortController();
  const expired = sleep(milliseconds, undefined, { signal: timer.signal }).then(() => {
    throw new Error(`${what}: not within ${milliseconds} ms`);
  });
  try {
    return await Promise.race([promise, expired]);
  } finally {
    timer.abort();
    expired.catch(() => undefined);
  }
}

/** Asks again and again until `condition` brings something other than undefined or false. */
export async function eventually<T>(
  condition: () => Promise<T | undefined | false> | T | undefined | false,
  milliseconds: number,
  what: string,
  intervalMs = 10,
): Promise<T> {
  const deadline = performance.now() + milliseconds;
  for (;;) {
    const value = await condition();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > deadline) throw new Error(`${what}: not within ${milliseconds} ms`);
    await sleep(intervalMs);
  }
}
