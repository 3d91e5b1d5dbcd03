import { afterEach, beforeEach, expect, test } from 'vitest';
import { PAGE_SIZE, PageSet } from '@pageferry/transfer';
import { FrameKind, HEADER_BYTES, writeHeader } from '@pageferry/wire';
import { PostcopySender } from '../src/postcopy.js';
import { StorageSender } from '../src/storage/storage-sender.js';
import { silent, simulateMigration, type SimulatedMigration } from './support/simulated-migration.js';

let abort: AbortController;
let migration: SimulatedMigration;
let postcopy: PostcopySender;

beforeEach(() => {
  abort = new AbortController();
  migration = simulateMigration(abort.signal);
  const { guest, sender, flow, progress, pending, destination } = migration;
  for (let page = 0; page < 600; page++) guest.write(page, 0, new Uint8Array(PAGE_SIZE).fill(page + 1));
  postcopy = new PostcopySender(pending, sender, flow, progress, undefined);
  postcopy.serve(destination);
});
afterEach(() => {
  abort.abort();
});

const turn = async (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('pushes every page once, and ends when the destination has them all', async () => {
  const { destination, sender, guest, pending } = migration;
  postcopy.begin();
  await postcopy.push(abort.signal);
  expect(pending.count).toBe(0);
  expect(destination.received.count).toBe(640);
  expect(sender.sent).toMatchObject({ normal: 598, zero: 42 });
  expect(destination.memory[0]?.equals(guest.blocks[0] ?? Buffer.alloc(0))).toBe(true);
});

test('sends nothing before the destination can place it; its first request says that it can', async () => {
  const pushing = postcopy.push(abort.signal);
  await turn();
  expect(migration.destination.frames).toHaveLength(0);
  migration.destination.request(300, 1);
  await pushing;
  expect(migration.destination.received.count).toBe(640);
});

test('a requested page goes first, with what follows it, and the push goes on around it', async () => {
  const { destination, progress } = migration;
  destination.request(300, 1);
  expect(destination.order).toEqual([300]);
  expect(progress.requests).toBe(1);
  await postcopy.push(abort.signal);
  // 32 pages before it, then what is ahead of the 16 that went with it.
  expect(destination.order.slice(0, 3)).toEqual([300, 268, 316]);
  expect(destination.received.count).toBe(640);
});

test('a page that is asked for twice, or is on its way, goes once', () => {
  const { destination, sender } = migration;
  destination.request(300, 1);
  destination.request(300, 1);
  destination.request(305, 1);
  expect(destination.frames).toHaveLength(1);
  expect(sender.sent.normal).toBe(16);
});

test('under a limit on the bandwidth a requested page waits for its turn, but goes before all others', async () => {
  const { destination, flow, pending } = migration;
  flow.limitTo(4_000_000);
  destination.request(0, 1);
  destination.request(400, 1);
  await turn();
  expect(pending.has(0)).toBe(false);
  expect(pending.has(400)).toBe(true);
  flow.limitTo(40_000_000);
  await postcopy.push(abort.signal);
  expect(destination.order.slice(0, 3).includes(400)).toBe(true);
  expect(destination.received.count).toBe(640);
});

test('what the destination does not restore is sent when nothing else is left', async () => {
  const { destination, guest, sender, flow, progress, pending } = migration;
  const disk = { name: 'vda', bytes: 2 ** 30 };
  const storage = new StorageSender({
    layout: guest.layout,
    memory: guest,
    // A destination whose storage hangs: nothing comes back.
    flow: {
      inFlightBytes: 0,
      bytesPerSecond: undefined,
      window: 0,
      wasFullWithin: () => true,
      send: async () => Promise.resolve(),
    },
    hash: (bytes) => BigInt(bytes[0] ?? 0),
    disks: [disk],
    log: silent,
  });
  const pages = new PageSet(guest.layout);
  pages.addRange(100, 20);
  const places = Uint32Array.from({ length: 20 }, (_, index) => 100 + index);
  storage.mapped({ disks: [{ disk, pages: places, offsets: new Float64Array(20) }], pages });
  postcopy = new PostcopySender(pending, sender, flow, progress, undefined, storage);
  postcopy.serve(destination);
  postcopy.begin();
  const pushing = postcopy.push(abort.signal);
  expect(storage.unsettled.count).toBe(0);
  await turn();
  expect(storage.unsettled.count).toBe(20);
  await pushing;
  expect(storage.isSettled).toBe(true);
  expect(destination.received.count).toBe(640);
  expect(destination.memory[0]?.equals(guest.blocks[0] ?? Buffer.alloc(0))).toBe(true);
});

test('refuses requests that no destination sends', () => {
  const { destination } = migration;
  const refuse = (frame: Buffer): void => {
    expect(() => {
      destination.onFrame(frame);
    }).toThrow(expect.objectContaining({ code: 'protocol-violation' }));
  };
  expect(() => {
    destination.request(599, 2);
  }).toThrow(expect.objectContaining({ code: 'protocol-violation' }));
  const frame = Buffer.alloc(HEADER_BYTES + 12);
  writeHeader(frame, { kind: FrameKind.requests, sequence: 0, block: 9, count: 1 });
  refuse(frame);
  writeHeader(frame, { kind: FrameKind.pages, sequence: 0, block: 0, count: 1 });
  refuse(frame);
});

test('ends with a cancel', async () => {
  const pushing = postcopy.push(abort.signal);
  abort.abort(new Error('enough'));
  await expect(pushing).rejects.toThrow('enough');
});
