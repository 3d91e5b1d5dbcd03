import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { PAGE_SIZE, PrecopyScheduler } from '@pageferry/transfer';
import { FirstPass } from '../src/first-pass.js';
import { simulateMigration, type SimulatedMigration } from './support/simulated-migration.js';

/** From when on the link's bandwidth is believed, ms. */
const SETTLED_MS = 300;

let abort: AbortController;
let migration: SimulatedMigration;
let link: { isFull: boolean; bytesPerSecond: number; room: () => undefined };
let pass: FirstPass;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
  abort = new AbortController();
  migration = simulateMigration(abort.signal);
  const { guest, sender, pending, progress, filter } = migration;
  for (let page = 0; page < 600; page++)
    guest.write(page, 0, new Uint8Array(PAGE_SIZE).fill((page % 250) + 1));
  const scheduler = new PrecopyScheduler(pending, {
    downtimeLimitMs: 300,
    overheadMs: 50,
    timeLimitMs: 60_000,
    eachPageOnce: false,
  });
  // So slow that the pass is read ahead of it.
  link = { isFull: false, bytesPerSecond: 1000, room: () => undefined };
  pass = new FirstPass({
    ...{ sender, flow: link, scheduler, pending, progress, filter },
    enough: () => false,
  });
});
afterEach(() => {
  abort.abort();
  vi.useRealTimers();
});

const contentOf = (page: number): Buffer =>
  migration.guest.blocks[0]?.subarray(page * PAGE_SIZE, (page + 1) * PAGE_SIZE) ?? Buffer.alloc(0);

/** QEMU writes a page, in a chunk that ends with it. */
function read(page: number): boolean {
  const offset = pass.page(0, page * PAGE_SIZE);
  if (offset !== -1) contentOf(page).copy(pass.target, offset);
  expect(pass.ready(false)).toBeUndefined();
  return offset !== -1;
}

/** So much that the pass is known to be read faster than the link carries it. */
function readAheadOfLink(): void {
  for (let page = 0; page < 64; page++) read(page);
  vi.advanceTimersByTime(SETTLED_MS);
  link.isFull = true;
  read(64);
  expect(read(65)).toBe(false);
}

async function arrived(page: number): Promise<boolean> {
  migration.sender.flush();
  await migration.sender.flushed();
  const there = migration.destination.memory[0]?.subarray(page * PAGE_SIZE, (page + 1) * PAGE_SIZE);
  return there?.equals(contentOf(page)) === true;
}

test('what comes while a slow link is full goes as soon as it is not', async () => {
  readAheadOfLink();
  expect(migration.pending.has(65)).toBe(true);
  link.isFull = false;
  pass.zero(0, 599 * PAGE_SIZE);
  expect(pass.ready(false)).toBeUndefined();
  expect(migration.pending.has(65)).toBe(false);
  expect(await arrived(65)).toBe(true);
});

test('what was put off does not go between two halves of another page', async () => {
  readAheadOfLink();
  link.isFull = false;
  const page = 66;
  const offset = pass.page(0, page * PAGE_SIZE);
  const { target } = pass;
  contentOf(page).copy(target, offset, 0, 1000);
  expect(pass.ready(true)).toBeUndefined();
  expect(migration.pending.has(65)).toBe(true);
  expect(pass.target).toBe(target);
  contentOf(page).copy(target, offset + 1000, 1000);
  expect(pass.ready(false)).toBeUndefined();
  expect(migration.pending.has(65)).toBe(false);
  expect(await arrived(65)).toBe(true);
  expect(await arrived(page)).toBe(true);
});

test('pages of zeroes go even while the link is full', () => {
  readAheadOfLink();
  pass.zero(0, 599 * PAGE_SIZE);
  expect(migration.pending.has(599)).toBe(false);
});
