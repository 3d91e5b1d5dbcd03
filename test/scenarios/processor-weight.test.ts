import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { processorMs } from '../bench/process-figures.js';
import { startBound, type BoundProcess } from '../environment/bound-process.js';
import { giveProcessorWeight } from '../environment/processor-weight.js';

const busy: BoundProcess[] = [];

afterEach(() => {
  for (const { process } of busy.splice(0)) process.kill('SIGKILL');
});

/** Never waits, on a processor that it shares with the others. */
async function startBusy(): Promise<BoundProcess> {
  const started = await startBound('taskset', ['--cpu-list', '0', 'sh', '-c', 'while :; do :; done']);
  busy.push(started);
  return started;
}

test('of two processes that want one processor the one with ten times the weight has most of it', async () => {
  const usual = await startBusy();
  const heavy = await startBusy();
  await giveProcessorWeight(heavy.pid, 1000);
  const before = [usual, heavy].map(({ pid }) => processorMs([pid]) ?? NaN);
  await sleep(1500);
  const [usualMs = NaN, heavyMs = NaN] = [usual, heavy].map(
    ({ pid }, at) => (processorMs([pid]) ?? NaN) - (before[at] ?? NaN),
  );
  expect(heavyMs).toBeGreaterThan(4 * usualMs);
});
