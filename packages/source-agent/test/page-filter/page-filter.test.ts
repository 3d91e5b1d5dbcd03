import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { PAGE_SIZE, PageSet } from '@pageferry/transfer';
import { Unreadable, type Inspector } from '../../src/page-filter/inspector.js';
import { PageFilter, type FilteredPages } from '../../src/page-filter/page-filter.js';
import { runPrecopy, type PrecopyOptions } from '../../src/precopy.js';
import { InspectedGuest, MANAGED_PAGES } from '../support/inspected-guest.js';
import {
  precopyOptions,
  silent,
  simulateMigration,
  type SimulatedMigration,
} from '../support/simulated-migration.js';

let abort: AbortController;
beforeEach(() => {
  abort = new AbortController();
});
afterEach(() => {
  abort.abort();
});

const both: FilteredPages = { free: true, cache: true };

interface Setup {
  readonly migration: SimulatedMigration;
  readonly inspected: InspectedGuest;
  readonly filter: PageFilter;
}

/** A guest whose pages are all in use and have something in them. */
function setUp(wanted = both, opened?: Inspector | Unreadable): Setup {
  const migration = simulateMigration(abort.signal);
  const inspected = new InspectedGuest(migration.guest);
  for (let page = 0; page < MANAGED_PAGES; page++) inspected.write(page, (page % 250) + 1);
  const open = () => Promise.resolve(opened ?? inspected);
  const filter = new PageFilter(migration.guest.layout, { wanted, open, log: silent, signal: abort.signal });
  return { migration, inspected, filter };
}

/**
 * Pre-copy, with what the guest does before each look at the log, and then the stop as the switch-over does it, with what
 * the guest does just before.
 */
async function precopy(
  { migration, filter }: Setup,
  work: () => void = () => undefined,
  changes: Partial<PrecopyOptions> = {},
  last = work,
): Promise<{ readonly postcopy: boolean }> {
  const { guest, flow, pending } = migration;
  // The log begins now.
  guest.dirtied.clear();
  const options = { filter, whenStalled: 'stop', ...changes } as const;
  filter.start();
  const plan = await runPrecopy(precopyOptions(migration, abort.signal, work, options));
  await flow.drained();
  filter.stopped();
  last();
  const written = new PageSet(guest.layout);
  written.addAll(guest.dirtied);
  filter.written(written);
  pending.addAll(written);
  await filter.recheck(pending);
  return plan;
}

/** Every page in use is as it is on the source, or is named as pending. */
function expectWhole({ migration: { guest, destination, pending }, inspected }: Setup): void {
  for (let page = 0; page < MANAGED_PAGES; page++) {
    if (pending.has(page) || inspected.isFree(page)) continue;
    const there = destination.memory[0]?.subarray(page * PAGE_SIZE, (page + 1) * PAGE_SIZE);
    const here = guest.blocks[0]?.subarray(page * PAGE_SIZE, (page + 1) * PAGE_SIZE);
    expect(here !== undefined && there?.equals(here), `page ${page}`).toBe(true);
  }
}

const isZeroThere = ({ migration: { destination } }: Setup, page: number): boolean =>
  destination.memory[0]?.subarray(page * PAGE_SIZE, (page + 1) * PAGE_SIZE).every((byte) => byte === 0) ===
  true;

/** Until the guest's kernel has been found, and looked into. */
async function found({ filter }: Setup): Promise<void> {
  filter.start();
  while (filter.view.looks === 0) await new Promise((resolve) => setImmediate(resolve));
}

test('free pages go as zeroes', async () => {
  const setup = setUp();
  for (let page = 100; page < 300; page++) setup.inspected.free(page);
  await found(setup);
  await precopy(setup);
  expect(setup.migration.pending.count).toBe(0);
  expect(isZeroThere(setup, 200)).toBe(true);
  expect(setup.filter.view).toMatchObject({
    state: 'on',
    reason: null,
    kernel: '6.12-simulated',
    pages: { free: 200 },
    leftOut: 200,
    sentAfterAll: 0,
  });
  expect(setup.migration.sender.sent.normal).toBeLessThan(640 - 200);
  expectWhole(setup);
});

test('a migration does not wait until the kernel is found', async () => {
  const setup = setUp();
  for (let page = 100; page < 300; page++) setup.inspected.free(page);
  await precopy(setup);
  expect(setup.migration.pending.count).toBe(0);
  expect(setup.filter.view).toMatchObject({ state: 'on', leftOut: 0 });
  expectWhole(setup);
});

test('a free page that is taken and written to is sent after all', async () => {
  const setup = setUp();
  for (let page = 100; page < 300; page++) setup.inspected.free(page);
  await found(setup);
  let looks = 0;
  await precopy(setup, () => {
    if (++looks === 1) setup.inspected.write(150, 77);
  });
  expectWhole(setup);
  expect(isZeroThere(setup, 150)).toBe(false);
  expect(setup.filter.view).toMatchObject({ leftOut: 199, sentAfterAll: 1 });
});

test('a free page that is taken, and never written to, is sent after all', async () => {
  const setup = setUp();
  for (let page = 100; page < 300; page++) setup.inspected.free(page);
  await found(setup);
  await precopy(setup, undefined, {}, () => {
    setup.inspected.take(150);
  });
  expect(setup.migration.pending.has(150)).toBe(true);
  expect(setup.inspected.isPrepared).toBe(true);
  expectWhole(setup);
  expect(setup.filter.view).toMatchObject({ leftOut: 199, sentAfterAll: 1 });
});

test('all that was left out is sent if another kernel runs at the stop', async () => {
  const setup = setUp();
  for (let page = 100; page < 300; page++) setup.inspected.free(page);
  await found(setup);
  await precopy(setup, () => {
    if (setup.inspected.looks > 1) setup.inspected.isAnother = true;
  });
  for (let page = 100; page < 300; page++) expect(setup.migration.pending.has(page)).toBe(true);
  expect(setup.filter.view).toMatchObject({
    state: 'unsupported',
    reason: 'another kernel runs',
    leftOut: 0,
    sentAfterAll: 200,
  });
});

describe('whoever wants to know where cache lies', () => {
  /** What a listener hears: how many pages there are each time, or `unknown`. */
  function listenTo({ filter }: Setup, wanted = { map: true }): (number | 'unknown')[] {
    const heard: (number | 'unknown')[] = [];
    filter.tellFilePages({
      get wantsMap() {
        return wanted.map;
      },
      mapped: ({ pages }) => heard.push(pages.count),
      written: () => undefined,
      unknown: () => heard.push('unknown'),
    });
    return heard;
  }

  function setUpWithCache(hasDisk: boolean, ...options: Parameters<typeof setUp>): Setup {
    const setup = setUp(...options);
    setup.inspected.hasDisk = hasDisk;
    for (let page = 100; page < 110; page++) setup.inspected.keepAsCache(page);
    return setup;
  }

  async function heard(list: readonly unknown[]): Promise<void> {
    while (list.length === 0) await new Promise((resolve) => setImmediate(resolve));
  }

  test('hears of the look that is under way, and of one that is over', async () => {
    const setup = setUpWithCache(true);
    const early = listenTo(setup);
    await found(setup);
    await heard(early);
    expect(early).toEqual([10]);
    const late = listenTo(setup);
    await heard(late);
    expect(late).toEqual([10]);
  });

  test('hears of no look that it has no use for, and of the last one once it has', async () => {
    const setup = setUpWithCache(true);
    const wanted = { map: false };
    const list = listenTo(setup, wanted);
    await found(setup);
    await setup.filter.look();
    setup.filter.mapFilePages();
    wanted.map = true;
    expect(list).toEqual([]);
    setup.filter.mapFilePages();
    await heard(list);
    // It has got it.
    setup.filter.mapFilePages();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(list).toEqual([10]);
  });

  test.each<[string, ...Parameters<typeof setUpWithCache>]>([
    ['there is no disk', false],
    ['the guest cannot be looked into', true, both, new Unreadable('it is not Linux')],
    ['cache is treated as everything else', true, { free: true, cache: false }],
  ])('hears that nothing is known if %s, before the first look and after it', async (_title, ...options) => {
    const setup = setUpWithCache(...options);
    const early = listenTo(setup);
    setup.filter.start();
    await heard(early);
    expect(early).toEqual(['unknown']);
    await setup.filter.look();
    expect(listenTo(setup)).toEqual(['unknown']);
  });
});

describe('page cache', () => {
  const keepCache = ({ inspected }: Setup): void => {
    for (let page = 100; page < 300; page++) inspected.keepAsCache(page);
  };
  const arrivals = ({ migration: { destination } }: Setup): number[] => destination.order;

  test('comes last in pre-copy', async () => {
    const setup = setUp();
    keepCache(setup);
    await found(setup);
    await precopy(setup);
    expect(setup.migration.pending.count).toBe(0);
    expectWhole(setup);
    const order = arrivals(setup);
    const firstCache = order.findIndex((page) => page >= 100 && page < 300);
    expect(order.slice(firstCache).every((page) => page >= 100 && page < 300)).toBe(true);
    expect(firstCache).toBeGreaterThan(0);
    expect(setup.filter.view.deferred).toBe(200);
  });

  test('stays for post-copy in hybrid mode', async () => {
    const setup = setUp();
    keepCache(setup);
    await found(setup);
    // So small a rest would not be worth a post-copy.
    const plan = await precopy(setup, undefined, { whenStalled: 'postcopy', downtimeLimitMs: 1 });
    expect(plan.postcopy).toBe(true);
    const { pending } = setup.migration;
    for (let page = 100; page < 300; page++) expect(pending.has(page)).toBe(true);
    expect(pending.count).toBe(200);
  });
});

describe('all pages go', () => {
  test.each<[string, FilteredPages, Unreadable | undefined, string]>([
    ['when nothing else is wanted', { free: false, cache: false }, undefined, 'off'],
    ['when the guest is not known', both, new Unreadable('a guest of another kind'), 'unsupported'],
  ])('%s', async (_title, wanted, opened, state) => {
    const setup = setUp(wanted, opened);
    for (let page = 100; page < 300; page++) setup.inspected.free(page);
    await precopy(setup);
    expect(isZeroThere(setup, 200)).toBe(false);
    expectWhole(setup);
    expect(setup.filter.view).toMatchObject({ state, leftOut: 0, looks: 0, reason: opened?.reason ?? null });
  });

  test('when the search for the kernel fails', async () => {
    const migration = simulateMigration(abort.signal);
    const filter = new PageFilter(migration.guest.layout, {
      wanted: both,
      open: () => Promise.reject(new Error('no such command')),
      log: silent,
      signal: abort.signal,
    });
    filter.start();
    await new Promise((resolve) => setImmediate(resolve));
    expect(filter.view).toMatchObject({ state: 'unsupported', reason: 'no such command' });
  });
});

test('only what is wanted is filtered', async () => {
  const setup = setUp({ free: false, cache: true });
  for (let page = 100; page < 300; page++) setup.inspected.free(page);
  await found(setup);
  await precopy(setup);
  expect(setup.filter.view).toMatchObject({ leftOut: 0, pages: { free: 200 } });
  expect(isZeroThere(setup, 200)).toBe(false);
});

test('a guest that was stopped before is looked into once more, and its free pages go as zeroes', async () => {
  const setup = setUp();
  for (let page = 100; page < 300; page++) setup.inspected.free(page);
  const { sender, pending, flow } = setup.migration;
  await setup.filter.lookAtStopped(pending);
  sender.asZeroes = setup.filter.free;
  await sender.sendAll(pending, abort.signal);
  await flow.drained();
  await setup.filter.recheck(pending);
  expect(pending.count).toBe(0);
  expect(isZeroThere(setup, 200)).toBe(true);
  expectWhole(setup);
  expect(setup.filter.view.leftOut).toBe(200);
});

test('whatever the guest takes, frees and writes meanwhile, every page in use arrives', async () => {
  const step = fc.record({
    action: fc.constantFrom('free', 'take', 'write', 'cache'),
    first: fc.nat(MANAGED_PAGES - 1),
    count: fc.integer({ min: 1, max: 60 }),
    value: fc.integer({ min: 1, max: 255 }),
  });
  const work = fc.array(fc.array(step, { maxLength: 5 }), { minLength: 2, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(work, fc.boolean(), fc.boolean(), async (iterations, early, once) => {
      const setup = setUp();
      for (let page = 200; page < 400; page++) setup.inspected.free(page);
      if (early) await found(setup);
      let next = 0;
      await precopy(
        setup,
        () => {
          for (const { action, first, count, value } of iterations[next++] ?? []) {
            for (let page = first; page < Math.min(first + count, MANAGED_PAGES); page++) {
              if (action === 'free') setup.inspected.free(page);
              else if (action === 'take') setup.inspected.take(page);
              else if (action === 'cache') setup.inspected.keepAsCache(page);
              else setup.inspected.write(page, value);
            }
          }
        },
        { whenStalled: once ? 'postcopy' : 'stop', downtimeLimitMs: once ? 1 : 300 },
      );
      expectWhole(setup);
    }),
    { numRuns: 60 },
  );
}, 60_000);
