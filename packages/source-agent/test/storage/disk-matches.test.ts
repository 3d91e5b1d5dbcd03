import { pino } from 'pino';
import { expect, test } from 'vitest';
import { DiskMatches } from '../../src/storage/disk-matches.js';

const disk = { name: 'vda', bytes: 4096 };

test('a disk is the same one whenever the guest is looked into, until it is of another length', () => {
  const matches = new DiskMatches([disk], pino({ level: 'silent' }));
  const match = matches.of({ ...disk });
  expect(matches.of({ ...disk })).toBe(match);
  match.tried();
  matches.settled(match, 0, 4, 0);
  expect(matches.of({ ...disk, bytes: 8192 })).not.toBe(match);
  expect(matches.view).toEqual([
    { ...disk, state: 'shared' },
    { name: 'vda', bytes: 8192, state: 'different' },
  ]);
});
