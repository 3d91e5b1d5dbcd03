import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import { killProcess } from '../../src/index.js';
import { readStartTime } from '../../src/machine/process-identity.js';

test('only the process that was told apart is killed, and not a later one with its id', async () => {
  const child = spawn('sleep', ['60']);
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  await once(child, 'spawn');
  const pid = child.pid ?? 0;
  const startTime = readStartTime(pid) ?? '';
  expect(startTime).toMatch(/^\d+$/);
  killProcess(`${pid}@${startTime}0`);
  killProcess(String(pid));
  expect(child.exitCode ?? child.signalCode).toBeNull();
  killProcess(`${pid}@${startTime}`);
  expect(await once(child, 'exit')).toEqual([null, 'SIGKILL']);
  expect(readStartTime(pid)).toBeUndefined();
  killProcess(`${pid}@${startTime}`);
});
