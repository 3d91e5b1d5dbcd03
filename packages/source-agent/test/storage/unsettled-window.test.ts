import { MAX_UNSETTLED_PAGES } from '@pageferry/wire';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { UnsettledWindow } from '../../src/storage/unsettled-window.js';

test('it grows while answers come soon and more is wanted', () => {
  const window = new UnsettledWindow();
  const { pages } = window;
  window.settled(256, 0, 10, false);
  expect(window.pages).toBe(pages);
  window.settled(256, 0, 10, true);
  expect(window.pages).toBe(pages + 256);
});

test('it shrinks once for all that is late together', () => {
  const window = new UnsettledWindow();
  for (let turn = 0; turn < 16; turn++) window.settled(256, 0, 10, true);
  const { pages } = window;
  window.settled(256, 20, 1000, true);
  const { pages: smaller } = window;
  expect(smaller).toBeLessThan(pages);
  window.settled(256, 500, 1100, true);
  expect(window.pages).toBe(smaller);
  window.settled(256, 1200, 2000, true);
  expect(window.pages).toBeLessThan(smaller);
});

test('whatever comes, something may be named, and never more than the protocol allows', () => {
  const answer = fc.record({ count: fc.nat({ max: 256 }), late: fc.boolean(), full: fc.boolean() });
  fc.assert(
    fc.property(fc.array(answer, { maxLength: 500 }), (answers) => {
      const window = new UnsettledWindow();
      answers.forEach(({ count, late, full }, index) => {
        const sentAt = index * 10_000;
        window.settled(count, sentAt, sentAt + (late ? 5000 : 5), full);
        expect(window.pages).toBeGreaterThan(0);
        expect(window.pages).toBeLessThanOrEqual(MAX_UNSETTLED_PAGES);
      });
    }),
  );
});
