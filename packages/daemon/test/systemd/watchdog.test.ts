import { describe, expect, it } from 'vitest';
import { watchdogIntervalMs } from '../../src/systemd/watchdog.js';

describe('watchdogIntervalMs', () => {
  it.each([
    [{ WATCHDOG_USEC: '30000000' }, 15_000],
    [{ WATCHDOG_USEC: '30000000', WATCHDOG_PID: '7' }, 15_000],
    [{ WATCHDOG_USEC: '1' }, 1],
    [{ WATCHDOG_USEC: '30000000', WATCHDOG_PID: '8' }, undefined],
    [{ WATCHDOG_USEC: '0' }, undefined],
    [{ WATCHDOG_USEC: 'soon' }, undefined],
    [{}, undefined],
  ])('%o is, for the process 7, %s', (env, interval) => {
    expect(watchdogIntervalMs(env, 7)).toBe(interval);
  });
});
