import { LonePages, PAGE_SIZE } from '@pageferry/transfer';
import { beforeEach, expect, test } from 'vitest';
import { noise } from '../../../transfer/test/support/page-words.js';
import { indexGuests, type IndexingClock, type IndexingProgress } from '../../src/preparation/indexing.js';
import { PageLook } from '../../src/preparation/page-look.js';
import { LookedAtMemory } from '../support/looked-at-memory.js';

/** A step takes so long, ms. */
const STEP_MS = 2;
const pages = 1280;

let now: number;
let worked: number;
let guest: LookedAtMemory;
let reports: IndexingProgress[];
let abort: AbortController;

beforeEach(() => {
  now = 1000;
  worked = 0;
  reports = [];
  abort = new AbortController();
  guest = new LookedAtMemory([{ name: 'ram', length: pages * PAGE_SIZE, pageSize: PAGE_SIZE }]);
  for (let page = 0; page < pages; page++) guest.write(page, noise(page));
});

/** Goes on until `isEnough` is true of what was reported last. */
async function index(
  share: number,
  isEnough: (progress: IndexingProgress) => boolean,
  clock: Partial<IndexingClock> = {},
): Promise<void> {
  const lone = new LonePages(new Uint8Array(guest.layout.capacity), 5);
  const { memory, layout, firstPage, onLost } = guest;
  const slow = {
    readSync: (...args: Parameters<typeof memory.readSync>) => {
      memory.readSync(...args);
    },
    readPresence: (...args: Parameters<typeof memory.readPresence>) => {
      now += STEP_MS;
      worked += STEP_MS;
      memory.readPresence(...args);
    },
  };
  await indexGuests({
    look: new PageLook([{ memory: slow, layout, firstPage, onLost }], lone),
    lone,
    share,
    report: (progress) => {
      reports.push(progress);
      if (isEnough(progress)) abort.abort(new Error('enough'));
    },
    clock: {
      nowMs: () => now,
      processorMs: () => worked,
      rest: async (ms) => {
        await Promise.resolve();
        now += ms;
      },
      ...clock,
    },
    signal: abort.signal,
  });
}

test('all pages are looked at, within the share of a processor', async () => {
  await expect(index(0.1, ({ rounds }) => rounds === 1)).rejects.toThrow('enough');
  expect(new Set(guest.read).size).toBe(pages);
  expect(reports.at(-1)).toMatchObject({ rounds: 1, lonePages: pages, processorMs: worked });
  expect(worked).toBe((pages / 128) * STEP_MS);
  expect(worked / (now - 1000)).toBeLessThanOrEqual(0.1);
  expect(worked / (now - 1000)).toBeGreaterThan(0.05);
});

test('later rounds take a quarter of it', async () => {
  await expect(index(0.4, ({ rounds }) => rounds === 1)).rejects.toThrow('enough');
  const [afterFirst, workedInFirst] = [now, worked];
  abort = new AbortController();
  now = 1000;
  worked = 0;
  await expect(index(0.4, ({ rounds }) => rounds === 2)).rejects.toThrow('enough');
  const second = now - afterFirst;
  expect((worked - workedInFirst) / second).toBeGreaterThan(0.09);
  expect((worked - workedInFirst) / second).toBeLessThan(0.12);
});

test('where the processor time of a thread is not known, the time on the clock counts', async () => {
  const isEnough = ({ rounds }: IndexingProgress) => rounds === 1;
  await expect(index(0.1, isEnough, { processorMs: () => undefined })).rejects.toThrow('enough');
  expect(reports.at(-1)?.processorMs).toBe(worked);
});

test('what it tells of is not more than two things a second', async () => {
  await expect(index(0.01, ({ rounds }) => rounds === 1)).rejects.toThrow('enough');
  expect(reports.length).toBeLessThanOrEqual((now - 1000) / 500 + 2);
});

test('it is over when no guest is left', async () => {
  guest.isGone = true;
  await index(0.1, () => false);
  expect(guest.lost).toHaveLength(1);
});
