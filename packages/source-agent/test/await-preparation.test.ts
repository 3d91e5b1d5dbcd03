import { PageferryError } from '@pageferry/errors';
import { expect, test } from 'vitest';
import { awaitPreparation } from '../src/await-preparation.js';

const textWith = (pattern: RegExp): unknown => expect.stringMatching(pattern);
const { signal } = new AbortController();

const peerThatFailsWith = (error: PageferryError): { next: (...asked: unknown[]) => Promise<never> } => ({
  next: () => Promise.reject(error),
});

test('the destination has as long as the setting says, and the setting is named when it takes longer', async () => {
  const asked: unknown[] = [];
  const peer = {
    next: async (...args: unknown[]): Promise<never> => {
      asked.push(args);
      return Promise.reject(new PageferryError('peer-timeout', 'it did not send prepared'));
    },
  };
  await expect(awaitPreparation(peer, 'prepared', { prepareSeconds: 600 }, signal)).rejects.toMatchObject({
    code: 'peer-timeout',
    message: textWith(/within 600 s \(prepareSeconds\)/),
  });
  expect(asked).toEqual([[['prepared'], { signal, timeoutMs: 600_000 }]]);
});

test('what the destination says for itself is passed on', async () => {
  const error = new PageferryError('driver-failed', 'no such unit', { host: 'destination' });
  const answer = awaitPreparation(peerThatFailsWith(error), 'examined', { prepareSeconds: 1 }, signal);
  await expect(answer).rejects.toBe(error);
});
