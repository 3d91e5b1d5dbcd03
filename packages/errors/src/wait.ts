import { PageferryError } from './pageferry-error.js';
import type { ErrorCode } from './table.js';

/** setTimeout takes no more, and fires at once if it gets more. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * Runs `work`, but waits for it no longer than `timeoutMs`, and no longer than until `signal` is aborted.
 *
 * The signal that `work` gets is aborted in both cases; `withTimeout` rejects at once even if `work` does not
 * look at it. Work that goes on then goes on unobserved: whatever it opens, it has to close itself.
 *
 * @throws PageferryError with `code` and `message` after the timeout; the reason of `signal` once that is
 *   aborted; otherwise what `work` throws.
 */
export async function withTimeout<T>(
  signal: AbortSignal | undefined,
  timeoutMs: number,
  code: ErrorCode,
  message: string,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted();
  const inner = new AbortController();
  const onAbort = (): void => {
    inner.abort(signal?.reason);
  };
  signal?.addEventListener('abort', onAbort, { once: true });
  const timer = setTimeout(
    () => {
      inner.abort(new PageferryError(code, message));
    },
    Math.min(timeoutMs, LONGEST_TIMER_MS),
  );
  try {
    return await abortable(inner.signal, work(inner.signal));
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  }
}

/**
 * What `work` becomes, or, as soon as `signal` is aborted, a rejection with the signal's reason.
 * A reason that is no Error becomes one.
 */
export async function abortable<T>(signal: AbortSignal | undefined, work: Promise<T>): Promise<T> {
  if (signal === undefined) return work;
  return new Promise<T>((resolve, reject) => {
    const onAbort = (): void => {
      reject(reasonOf(signal));
    };
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    void work.then(resolve, reject).finally(() => {
      signal.removeEventListener('abort', onAbort);
    });
  });
}

/** Waits for `ms`; rejects with the reason of `signal` as soon as that is aborted. */
export async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  let timer: NodeJS.Timeout | undefined;
  const elapsed = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, Math.min(ms, LONGEST_TIMER_MS));
  });
  try {
    await abortable(signal, elapsed);
  } finally {
    clearTimeout(timer);
  }
}

function reasonOf(signal: AbortSignal): Error {
  const reason: unknown = signal.reason;
  return reason instanceof Error ? reason : new Error(String(reason), { cause: reason });
}
