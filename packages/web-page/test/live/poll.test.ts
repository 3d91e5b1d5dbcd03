import { expect, test, vi } from 'vitest';
import { Poll } from '../../browser/live/poll.js';

test('waits as long as it is told to, twice as long after each failure, and not at all when it is hurried', async () => {
  vi.useFakeTimers();
  try {
    const answers = [5000, undefined, undefined, undefined, 5000];
    let asked = 0;
    const retries: number[] = [];
    const poll = new Poll({
      ask: () => {
        const answer = answers[asked++];
        return answer === undefined ? Promise.reject(new Error('gone')) : Promise.resolve(answer);
      },
      onFailure: (_thrown, retryMs) => retries.push(retryMs),
    });
    poll.start();
    await vi.advanceTimersByTimeAsync(4999);
    expect(asked).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(asked).toBe(2);
    await vi.advanceTimersByTimeAsync(1000 + 2000);
    expect(asked).toBe(4);
    expect(retries).toEqual([1000, 2000, 4000]);
    poll.hurry();
    await vi.advanceTimersByTimeAsync(0);
    expect(asked).toBe(5);
    poll.stop();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(asked).toBe(5);
  } finally {
    vi.useRealTimers();
  }
});
