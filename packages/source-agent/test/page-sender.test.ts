import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { PAGE_SIZE } from '@pageferry/transfer';
import { FrameKind, readHeader } from '@pageferry/wire';
import { simulateMigration, type SimulatedMigration } from './support/simulated-migration.js';

let abort: AbortController;
beforeEach(() => {
  abort = new AbortController();
});
afterEach(() => {
  abort.abort();
});

const random = (seed: number, bytes: number): Uint8Array => {
  let state = seed + 1;
  return Uint8Array.from({ length: bytes }, () => (state = (state * 1103515245 + 12345) & 0x7fffffff) >> 16);
};
const kinds = ({ destination }: SimulatedMigration): number[] =>
  destination.frames.map((frame) => readHeader(frame).kind);

async function sendDirtied({ guest, sender, flow }: SimulatedMigration, again: boolean): Promise<void> {
  guest.dirtied.forEachRun((first, count) => sender.sendRun(first, count, { again }), sender.longestRun);
  guest.dirtied.clear();
  sender.sentPages.advance();
  await sender.flushed();
  await flow.drained();
}

describe('the destination has what the guest has', () => {
  const write = fc.record({
    page: fc.nat(639),
    offset: fc.nat(PAGE_SIZE - 1),
    bytes: fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 40 }),
      fc.constant(new Uint8Array(PAGE_SIZE)),
      fc.nat(1000).map((seed) => random(seed, PAGE_SIZE)),
      fc.nat(255).map((byte) => new Uint8Array(PAGE_SIZE).fill(byte)),
    ),
  });

  test('after every iteration, whatever was written, as pages, zero pages or deltas', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(write, { maxLength: 30 }), { maxLength: 6 }), async (iterations) => {
        const migration = simulateMigration(new AbortController().signal, { sentPagesBytes: 16 * PAGE_SIZE });
        const { guest, destination, sender, pending } = migration;
        await sender.sendAll(pending, abort.signal);
        for (const writes of iterations) {
          for (const { page, offset, bytes } of writes) {
            // Indices between the blocks belong to no page.
            if (guest.layout.holds(page)) guest.write(page, offset, bytes.subarray(0, PAGE_SIZE - offset));
          }
          await sendDirtied(migration, true);
          guest.blocks.forEach((block, index) => {
            expect(destination.memory[index]?.equals(block)).toBe(true);
          });
        }
      }),
      { numRuns: 60 },
    );
  });

  test('when pages are compressed, and frames that are not come in between', async () => {
    const migration = simulateMigration(abort.signal);
    const { guest, destination, sender, flow, pending } = migration;
    // The bandwidth must be known, and low.
    flow.limitTo(20_000_000);
    for (let page = 0; page < 600; page++) guest.write(page, 0, new Uint8Array(PAGE_SIZE).fill(page % 7));
    guest.dirtied.clear();
    await sender.sendAll(pending, abort.signal);
    for (let iteration = 0; iteration < 10; iteration++) {
      for (let page = 0; page < 200; page++) {
        const bytes =
          page % 3 === 0 ? new Uint8Array(PAGE_SIZE) : new Uint8Array(PAGE_SIZE).fill(page + iteration);
        guest.write(page, 0, bytes);
      }
      await sendDirtied(migration, false);
    }
    expect(kinds(migration)).toContain(FrameKind.compressedPages);
    expect(sender.sent.compressed).toBeGreaterThan(0);
    expect(destination.memory[0]?.equals(guest.blocks[0] ?? Buffer.alloc(0))).toBe(true);
  });
});

test('zero pages go as runs, without content', async () => {
  const migration = simulateMigration(abort.signal);
  await migration.sender.sendAll(migration.pending, abort.signal);
  expect(new Set(kinds(migration))).toEqual(new Set([FrameKind.zeroPages]));
  expect(migration.sender.sent).toMatchObject({ normal: 0, zero: 640 });
  expect(migration.flow.sentBytes).toBeLessThan(1000);
});

test('of a page that is sent again only what changed goes, and nothing if nothing did', async () => {
  const migration = simulateMigration(abort.signal);
  const { guest, sender } = migration;
  guest.write(3, 0, random(1, PAGE_SIZE));
  await sendDirtied(migration, true);
  expect(sender.sent).toMatchObject({ normal: 1, delta: 0 });
  guest.write(3, 100, Uint8Array.of(1, 2, 3));
  const bytes = sender.sendRun(3, 1, { again: true });
  await sender.flushed();
  expect(sender.sent).toMatchObject({ normal: 1, delta: 1, unchanged: 0 });
  expect(bytes).toBeLessThan(32);
  sender.sendRun(3, 1, { again: true });
  await sender.flushed();
  expect(sender.sent).toMatchObject({ normal: 1, delta: 1, unchanged: 1 });
});

test('a zero page is expected to have content when it is sent again', async () => {
  const { sender } = simulateMigration(abort.signal);
  expect(sender.sendRun(0, 4)).toBeGreaterThanOrEqual(4 * PAGE_SIZE);
  await sender.flushed();
  expect(sender.sent).toMatchObject({ normal: 0, zero: 4 });
});

test('a page that was zero in between goes as a whole: what was kept of it is no longer what the destination has', async () => {
  const migration = simulateMigration(abort.signal);
  const { guest, destination, sender } = migration;
  const content = random(1, PAGE_SIZE);
  for (const bytes of [content, new Uint8Array(PAGE_SIZE), content]) {
    guest.write(3, 0, bytes);
    await sendDirtied(migration, true);
  }
  expect(sender.sent).toMatchObject({ normal: 2, delta: 0, unchanged: 0, zero: 1 });
  expect(destination.memory[0]?.equals(guest.blocks[0] ?? Buffer.alloc(0))).toBe(false);
  expect(destination.memory[0]?.subarray(3 * PAGE_SIZE, 4 * PAGE_SIZE).equals(content)).toBe(true);
});

test('a low limit on the bandwidth makes frames short', async () => {
  const migration = simulateMigration(abort.signal);
  const { guest, sender, flow, destination } = migration;
  flow.limitTo(1_000_000);
  for (let page = 0; page < 64; page++) guest.write(page, 0, random(page, PAGE_SIZE));
  sender.sendRun(0, 1);
  await sender.flushed();
  expect(sender.longestRun).toBe(7);
  for (let page = 1; page < 64; page += 7) sender.sendRun(page, 7);
  await sender.flushed();
  for (const frame of destination.frames) expect(frame.length).toBeLessThan(32_000);
});

test('an aborted migration stops sending', async () => {
  const { sender, pending, destination, guest } = simulateMigration(abort.signal, { window: 1 });
  for (let page = 0; page < 200; page++) guest.write(page, 0, random(page, PAGE_SIZE));
  destination.acknowledges = false;
  const sending = sender.sendAll(pending, abort.signal);
  abort.abort(new Error('enough'));
  await expect(sending).rejects.toThrow('enough');
  expect(pending.count).toBeGreaterThan(0);
});
