import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { STALL_LIMIT_MS, StallWatch } from '../src/stall-watch.js';

let stalls: number;
let watch: StallWatch;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  stalls = 0;
  watch = new StallWatch(() => {
    stalls++;
  });
});
afterEach(() => {
  watch.stop();
  vi.useRealTimers();
});

test('a stall is told once, however long it lasts, and again after something was taken in', () => {
  watch.start();
  vi.advanceTimersByTime(3 * STALL_LIMIT_MS);
  expect([stalls, watch.isStalled]).toEqual([1, true]);
  watch.progressed();
  expect(watch.isStalled).toBe(false);
  vi.advanceTimersByTime(STALL_LIMIT_MS);
  expect([stalls, watch.isStalled]).toEqual([2, true]);
});

test('what goes on for as long as it likes is no stall while some is taken in', () => {
  watch.start();
  for (let times = 0; times < 10; times++) {
    vi.advanceTimersByTime(STALL_LIMIT_MS * 0.8);
    watch.start();
    watch.progressed();
  }
  expect([stalls, watch.isStalled]).toEqual([0, false]);
});

test('nobody waits once nothing is in flight', () => {
  watch.start();
  vi.advanceTimersByTime(STALL_LIMIT_MS * 0.8);
  watch.stop();
  vi.advanceTimersByTime(STALL_LIMIT_MS);
  watch.start();
  vi.advanceTimersByTime(STALL_LIMIT_MS * 0.8);
  expect([stalls, watch.isStalled]).toEqual([0, false]);
});
