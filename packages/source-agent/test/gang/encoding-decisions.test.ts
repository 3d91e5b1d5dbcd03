import { EncodingGain } from '@pageferry/transfer';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { EncodingDecisions } from '../../src/gang/encoding-decisions.js';

const linkBytesPerSecond = 100_000_000;

test('a change of mind is logged once, with what it rests on', () => {
  const lines: unknown[] = [];
  const log = pino({}, { write: (line) => lines.push(JSON.parse(line)) });
  const [lookUpGain, patchGain] = [new EncodingGain(), new EncodingGain()];
  const decisions = new EncodingDecisions(log);
  decisions.look({ lookUpGain, patchGain });
  expect(lines).toEqual([]);
  // A millisecond a page, and nothing spared.
  patchGain.tried(64, 0, 64);
  patchGain.shouldTry(linkBytesPerSecond);
  decisions.look({ lookUpGain, patchGain });
  decisions.look({ lookUpGain, patchGain });
  const facts = { encoding: 'patch', sparedShare: 0, msPerPage: 1, linkBytesPerSecond };
  expect(lines).toMatchObject([{ ...facts, msg: 'an encoding does not pay: it is tried now and then' }]);
});
