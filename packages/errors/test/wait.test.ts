import { getEventListeners } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { abortable, sleep, withTimeout } from '../src/index.js';

const never = (): Promise<never> => new Promise<never>(() => undefined);

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

describe('withTimeout', () => {
  it('gives what the work gives and leaves no timer and no listener', async () => {
    const outer = new AbortController();
    const result = await withTimeout(outer.signal, 1000, 'qmp-timeout', 'too late', () => Promise.resolve(7));
    expect(result).toBe(7);
    expect(vi.getTimerCount()).toBe(0);
    expect(getEventListeners(outer.signal, 'abort')).toHaveLength(0);
  });

  it('passes on what the work throws', async () => {
    const failing = withTimeout(undefined, 1000, 'qmp-timeout', 'too late', () =>
      Promise.reject(new Error('no')),
    );
    await expect(failing).rejects.toThrow('no');
    expect(vi.getTimerCount()).toBe(0);
  });

  it('rejects with the given code after the time, and aborts the work', async () => {
    let inner: AbortSignal | undefined;
    const waiting = withTimeout(undefined, 1000, 'qmp-timeout', 'QEMU was silent for 1 s', (signal) => {
      inner = signal;
      return never();
    });
    const outcome = expect(waiting).rejects.toMatchObject({
      code: 'qmp-timeout',
      message: 'QEMU was silent for 1 s',
    });
    await vi.advanceTimersByTimeAsync(999);
    expect(inner?.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    await outcome;
    expect(inner?.aborted).toBe(true);
  });

  it('rejects with the reason of the outer signal, and aborts the work with it', async () => {
    const outer = new AbortController();
    const reason = new Error('the operator cancelled');
    let seen: unknown;
    const waiting = withTimeout(outer.signal, 1000, 'qmp-timeout', 'too late', (signal) => {
      signal.addEventListener('abort', () => {
        seen = signal.reason;
      });
      return never();
    });
    outer.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    expect(seen).toBe(reason);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('rejects with the reason even if the work reports the abort first', async () => {
    const waiting = withTimeout(undefined, 10, 'qmp-timeout', 'too late', (signal) => {
      return new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          reject(new Error('aborted'));
        });
      });
    });
    const outcome = expect(waiting).rejects.toMatchObject({ code: 'qmp-timeout' });
    await vi.advanceTimersByTimeAsync(10);
    await outcome;
  });

  it('does not start work for a signal that is aborted already', async () => {
    const work = vi.fn(never);
    const reason = new Error('cancelled before');
    await expect(withTimeout(AbortSignal.abort(reason), 10, 'qmp-timeout', 'late', work)).rejects.toBe(
      reason,
    );
    expect(work).not.toHaveBeenCalled();
  });

  it('waits for times longer than a timer can be', async () => {
    const waiting = withTimeout(undefined, Infinity, 'qmp-timeout', 'too late', () => sleep(1000));
    await vi.advanceTimersByTimeAsync(1000);
    await expect(waiting).resolves.toBeUndefined();
  });
});

describe('abortable', () => {
  it('leaves no listener behind', async () => {
    const { signal } = new AbortController();
    await abortable(signal, Promise.resolve());
    await abortable(signal, Promise.reject(new Error('no'))).catch(() => undefined);
    await Promise.resolve();
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  it('makes an error of a reason that is none', async () => {
    await expect(abortable(AbortSignal.abort('enough'), never())).rejects.toThrow('enough');
  });
});

describe('sleep', () => {
  it('ends after the time', async () => {
    const sleeping = sleep(500);
    await vi.advanceTimersByTimeAsync(500);
    await expect(sleeping).resolves.toBeUndefined();
  });

  it('ends at once with the reason of an aborted signal, and leaves no timer', async () => {
    const controller = new AbortController();
    const sleeping = sleep(500, controller.signal);
    controller.abort(new Error('stop'));
    await expect(sleeping).rejects.toThrow('stop');
    expect(vi.getTimerCount()).toBe(0);
  });
});
