import { expect, test } from 'vitest';
import { progressOf } from '../../src/view/progress-of.js';
import { known } from '../support/recorded-migration.js';

test('pre-copy gains on what is left only what the guest does not write meanwhile', () => {
  expect(progressOf(known)).toEqual({
    arrived: 0.75,
    remainingBytes: 64 * 2 ** 20,
    leftMs: 800,
    downtimeMs: undefined,
  });
});

test('a guest that writes faster than the link carries has no estimate', () => {
  expect(progressOf({ ...known, dirtyRate: 200 * 2 ** 20 }).leftMs).toBeUndefined();
});

test('in post-copy what the guest writes costs nothing', () => {
  expect(progressOf({ ...known, state: 'postcopy-active' }).leftMs).toBe(640);
});

test('a paused post-copy has no estimate', () => {
  expect(progressOf({ ...known, state: 'postcopy-paused' }).leftMs).toBeUndefined();
});

test('before the first page nothing is said to have arrived', () => {
  const history = known.history.slice(0, 1);
  const young = { ...known, state: 'setup', history, remainingPages: 0 };
  expect(progressOf(young)).toMatchObject({ arrived: undefined, leftMs: undefined });
  expect(progressOf({ ...young, memory: null })).toMatchObject({ arrived: undefined });
});

test('the downtime counts while the guest stands still', () => {
  const stopped = { state: 'device', at: known.startedAt + known.totalMs - 30 };
  const history = [...known.history, stopped];
  expect(progressOf({ ...known, state: 'device', history }).downtimeMs).toBe(30);
  expect(progressOf({ ...known, state: 'completed', history, downtimeMs: 42 }).downtimeMs).toBe(42);
});
