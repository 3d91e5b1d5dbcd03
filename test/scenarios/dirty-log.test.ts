import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { DirtyLog, MemoryReader, QmpClient, continueGuest, readRamBlocks, stopGuest } from '@pageferry/qemu';
import { PageLayout, PageSet } from '@pageferry/transfer';
import type { Guest } from '../guests/guest.js';
import { Guests } from '../guests/guests.js';
import { bootGuest, filledPages } from './support/boot-guest.js';
import { expectWhole } from './support/expect-whole.js';
import { ShadowMemory } from './support/shadow-memory.js';

const fillMiB = 48;
const collects = 12;
/** Between two of them. */
const writingMs = 20;
const { signal } = new AbortController();

let guests: Guests;
let guest: Guest;
let qmp: QmpClient;
let reader: MemoryReader;
let layout: PageLayout;
let directory: string;

beforeAll(async () => {
  guests = await Guests.create();
  const hardware = { memoryMiB: 256, vcpus: 2, vga: true, fillMiB };
  guest = await bootGuest({ startGuest: (options) => guests.start(options) }, hardware);
  qmp = await QmpClient.connect(guest.qmpSocket);
  const blocks = await readRamBlocks(qmp);
  reader = MemoryReader.open(guest.pid, blocks);
  layout = new PageLayout(
    blocks.map(({ name, usedLength, pageSize }) => ({ name, length: usedLength, pageSize })),
  );
  directory = join(guests.directory, 'log');
  await mkdir(directory);
});
afterEach(async () => {
  await expectWhole(guest, filledPages(fillMiB));
});
afterAll(async () => {
  reader.close();
  qmp.close();
  await guests.close();
});

const readFirstPass = async (log: DirtyLog, shadow: ShadowMemory, changed: PageSet): Promise<void> =>
  log.readFirstPass(shadow.firstPassSink(), changed, signal);

/** Pages that were named after the first pass. */
async function follow(log: DirtyLog, shadow: ShadowMemory, changed: PageSet): Promise<number> {
  let named = 0;
  await readFirstPass(log, shadow, changed);
  expect(shadow.missing.count).toBe(0);
  for (let collect = 0; collect < collects; collect++) {
    await log.collect(changed, signal);
    named += changed.count;
    shadow.update(reader, changed);
    changed.clear();
    await sleep(writingMs);
  }
  return named;
}

test('the dirty log of a writing guest misses no page, and names not all of them', async () => {
  await guest.workload.write(
    { megabytesPerSecond: 40, sizePercent: 40, pattern: 'sequential' },
    { megabytesPerSecond: 40, startPercent: 40, sizePercent: 40, extent: 'words' },
  );
  const shadow = new ShadowMemory(layout);
  const changed = new PageSet(layout);
  const log = await DirtyLog.open(qmp, layout, { directory, signal });
  try {
    expect(await follow(log, shadow, changed)).toBeGreaterThan(0);
    await stopGuest(qmp);
    // The last pages are needed: without them the shadow is not the guest's memory.
    expect(shadow.differences(reader).length).toBeGreaterThan(0);
    await log.finish(changed, signal);
    expect(changed.count).toBeLessThan(layout.pageCount / 2);
    shadow.update(reader, changed);
    expect(shadow.differences(reader)).toEqual([]);
  } finally {
    await log.giveUp();
    await continueGuest(qmp);
  }
});

test('a guest whose dirty log is given up runs on, and the next log misses no page either', async () => {
  await guest.workload.write({ megabytesPerSecond: 60 });
  const given = await DirtyLog.open(qmp, layout, { directory, signal });
  await follow(given, new ShadowMemory(layout), new PageSet(layout));
  await given.giveUp();
  await expectWhole(guest, filledPages(fillMiB));

  const shadow = new ShadowMemory(layout);
  const changed = new PageSet(layout);
  const log = await DirtyLog.open(qmp, layout, { directory, signal });
  try {
    await follow(log, shadow, changed);
    await stopGuest(qmp);
    await log.finish(changed, signal);
    shadow.update(reader, changed);
    expect(shadow.differences(reader)).toEqual([]);
  } finally {
    await log.giveUp();
    await continueGuest(qmp);
  }
});
