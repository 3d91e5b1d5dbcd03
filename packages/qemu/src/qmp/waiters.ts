import { asPageferryError, PageferryError } from '@pageferry/errors';

export interface WaitOptions {
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs: number;
}

export interface Waiter<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (reason: PageferryError) => void;
}

/** Promises that end by an answer, a timeout, an abort or the end of the connection, whichever comes first. */
export class Waiters {
  readonly #rejects = new Set<(reason: PageferryError) => void>();
  #closed: PageferryError | undefined;

  /**
   * @param what names what is waited for, for the `qmp-timeout`
   * @param begin makes the waiter known to whoever settles it; what it returns is called once, when the
   *   waiter is to be forgotten again. Not called at all when there is nothing to wait for any more.
   */
  async wait<T>(
    what: string,
    { signal, timeoutMs }: WaitOptions,
    begin: (waiter: Waiter<T>) => () => void,
  ): Promise<T> {
    if (this.#closed !== undefined) throw this.#closed;
    if (signal?.aborted === true) throw asPageferryError(signal.reason, 'cancelled');

    return new Promise<T>((resolve, reject) => {
      const settle = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
        this.#rejects.delete(fail);
        forget();
      };
      const fail = (reason: PageferryError): void => {
        settle();
        reject(reason);
      };
      const onAbort = (): void => {
        fail(asPageferryError(signal?.reason, 'cancelled'));
      };
      const timer = setTimeout(() => {
        fail(new PageferryError('qmp-timeout', `${what}: nothing came within ${timeoutMs} ms`));
      }, timeoutMs);
      const forget = begin({
        resolve: (value) => {
          settle();
          resolve(value);
        },
        reject: fail,
      });
      this.#rejects.add(fail);
      signal?.addEventListener('abort', onAbort);
    });
  }

  /** Rejects all that wait now, and all that will. */
  close(reason: PageferryError): void {
    this.#closed ??= reason;
    for (const reject of [...this.#rejects]) reject(reason);
  }
}
