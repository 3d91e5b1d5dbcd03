import {
  ContentDictionary,
  ContentStore,
  EncodingGain,
  PAGE_SIZE,
  type HashBytes,
} from '@pageferry/transfer';
import { FrameKind, readHeader } from '@pageferry/wire';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SharedFlow } from '../src/shared-flow.js';
import {
  simulateMigration,
  type SharedSimulation,
  type SimulatedMigration,
} from './support/simulated-migration.js';

let abort: AbortController;
beforeEach(() => {
  abort = new AbortController();
});
afterEach(() => {
  abort.abort();
});

const byContent: HashBytes = (bytes) => BigInt(bytes[0] ?? 0) << 32n;
const forged: HashBytes = () => 1n;

function sharing(slots: number, hash = byContent): SharedSimulation {
  return {
    flow: new SharedFlow(),
    known: {
      dictionary: new ContentDictionary(slots * PAGE_SIZE, hash),
      lookUpGain: new EncodingGain(),
      patchGain: new EncodingGain(),
      collecting: new Map(),
      figures: { kept: 0, lone: 0 },
    },
    contents: new ContentStore(slots * PAGE_SIZE),
  };
}

/** A page in which no two blocks are alike. */
function noise(seed: number): Uint8Array {
  let state = seed + 1;
  return Uint8Array.from(
    { length: PAGE_SIZE },
    () => (state = (state * 1103515245 + 12345) & 0x7fffffff) >> 16,
  );
}

const filled = (byte: number): Uint8Array => new Uint8Array(PAGE_SIZE).fill(byte);

async function sendDirtied({ guest, sender, flow }: SimulatedMigration): Promise<void> {
  guest.dirtied.forEachRun((first, count) => sender.sendRun(first, count), sender.longestRun);
  guest.dirtied.clear();
  await sender.flushed();
  await flow.drained();
}

function expectEqual({ guest, destination }: SimulatedMigration): void {
  guest.blocks.forEach((block, index) => {
    expect(destination.memory[index]?.equals(block)).toBe(true);
  });
}

/** As {@link expectEqual}, of a guest of which only pages that were written have been sent. */
function expectSent({ guest, destination }: SimulatedMigration): void {
  const [memory, received] = [guest.blocks[0], destination.memory[0]];
  for (let page = 0; page < 100; page++) {
    const [from, to] = [page * PAGE_SIZE, (page + 1) * PAGE_SIZE];
    expect(received?.subarray(from, to)).toEqual(memory?.subarray(from, to));
  }
}

const kinds = ({ destination }: SimulatedMigration): number[] =>
  destination.frames.map((frame) => readHeader(frame).kind);

test('what one guest has sent goes as a reference for the next', async () => {
  const shared = sharing(256);
  const [one, other] = [
    simulateMigration(abort.signal, {}, shared),
    simulateMigration(abort.signal, {}, shared),
  ];
  for (const migration of [one, other]) {
    for (let page = 0; page < 100; page++) migration.guest.write(page, 0, filled(page + 1));
    await sendDirtied(migration);
  }
  expect(one.sender.sent).toMatchObject({ normal: 100, reference: 0 });
  expect(other.sender.sent).toMatchObject({ normal: 0, reference: 100 });
  expect(new Set(kinds(other))).toEqual(new Set([FrameKind.references]));
  expect(other.flow.sentBytes).toBeLessThan(100 * 32);
});

test('of a page that resembles one of another guest only what is unlike it goes', async () => {
  const shared = sharing(256);
  const [one, other] = [
    simulateMigration(abort.signal, {}, shared),
    simulateMigration(abort.signal, {}, shared),
  ];
  for (const { sender, pending } of [one, other]) await sender.sendAll(pending, abort.signal);
  for (let page = 0; page < 100; page++) {
    one.guest.write(page, 0, noise(page));
    other.guest.write(page + 7, 0, noise(page));
    other.guest.write(page + 7, 1000, Uint8Array.of(1, 2, 3, 4, page));
  }
  await sendDirtied(one);
  const before = other.flow.sentBytes;
  await sendDirtied(other);
  expect(one.sender.sent).toMatchObject({ normal: 100, patch: 0 });
  expect(other.sender.sent).toMatchObject({ normal: 0, reference: 0, patch: 100 });
  expect(other.flow.sentBytes - before).toBeLessThan(100 * 64);
  expectEqual(other);
});

describe('pages that are believed to be like no other', () => {
  /** The even ones are. */
  const hint = { isLone: (page: number) => page % 2 === 0 };
  const all = { isLone: () => true };

  test('are neither looked up nor kept, and so are not found again', async () => {
    const shared = sharing(256);
    const migrations = [0, 1].map(() => simulateMigration(abort.signal, {}, shared));
    for (const migration of migrations) {
      migration.sender.hint = hint;
      for (let page = 0; page < 100; page++) migration.guest.write(page, 0, filled(page + 1));
      await sendDirtied(migration);
      expectSent(migration);
    }
    expect(migrations.map(({ sender }) => sender.sent.reference)).toEqual([0, 50]);
    expect(shared.known.figures).toEqual({ kept: 50, lone: 100 });
  });

  test('go in frames like any other if a frame has none but them', async () => {
    const shared = sharing(256);
    const migration = simulateMigration(abort.signal, {}, shared);
    migration.sender.hint = all;
    for (let page = 0; page < 100; page++) migration.guest.write(page, 0, noise(page));
    await sendDirtied(migration);
    expectSent(migration);
    expect(new Set(kinds(migration))).toEqual(new Set([FrameKind.pages]));
    expect(shared.known.figures).toEqual({ kept: 0, lone: 100 });
  });
});

test('many references count as the pages that they stand for while they are in flight', async () => {
  const shared = sharing(256);
  const [one, other] = [
    simulateMigration(abort.signal, {}, shared),
    simulateMigration(abort.signal, {}, shared),
  ];
  other.destination.acknowledges = false;
  for (const { guest } of [one, other]) for (let page = 0; page < 64; page++) guest.write(page, 0, filled(9));
  await sendDirtied(one);
  other.guest.dirtied.forEachRun(
    (first, count) => other.sender.sendRun(first, count),
    other.sender.longestRun,
  );
  await other.sender.flushed();
  expect(other.flow.inFlightBytes).toBeGreaterThanOrEqual(64 * PAGE_SIZE);
});

test('each guest arrives as it is, whatever they have in common, however small the store, and if all hashes are alike', async () => {
  const write = fc.record({
    guest: fc.nat(2),
    page: fc.nat(599),
    count: fc.integer({ min: 1, max: 90 }),
    byte: fc.nat(5),
    own: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(write, { maxLength: 8 }), { maxLength: 8 }),
      fc.constantFrom(0, 1, 3, 64, 2000),
      fc.boolean(),
      // What is believed of pages may be wrong in every way.
      fc.constantFrom(1, 2, 3, 1000),
      async (iterations, slots, isForged, loneness) => {
        const shared = sharing(slots, isForged ? forged : byContent);
        const migrations = [0, 1, 2].map(() => simulateMigration(abort.signal, {}, shared));
        for (const { sender } of migrations) sender.hint = { isLone: (page) => page % loneness === 0 };
        for (const { sender, pending } of migrations) await sender.sendAll(pending, abort.signal);
        for (const writes of iterations) {
          for (const { guest: which, page, count, byte, own } of writes) {
            const guest = migrations[which]?.guest;
            for (let at = page; at < Math.min(page + count, 600); at++) {
              const content = byte < 3 ? filled(byte) : noise(byte);
              if (own) content[1] = which + at;
              guest?.write(at, 0, content);
            }
          }
          for (const migration of migrations) await sendDirtied(migration);
          migrations.forEach(expectEqual);
        }
      },
    ),
    { numRuns: 20 },
  );
});

test('references that wait are sent before another guest gives their slots away', async () => {
  const shared = sharing(200);
  const [one, other] = [
    simulateMigration(abort.signal, {}, shared),
    simulateMigration(abort.signal, {}, shared),
  ];
  for (const { sender, pending } of [one, other]) await sender.sendAll(pending, abort.signal);
  for (let page = 0; page < 80; page++) {
    one.guest.write(page, 0, filled(page + 1));
    other.guest.write(page, 0, filled(page + 1));
  }
  await sendDirtied(one);
  // Looked up, and not sent yet: as when there is no room.
  other.sender.sendRun(0, 64);
  other.sender.sendRun(64, 16);
  for (let page = 0; page < 300; page++) one.guest.write(page, 0, noise(page));
  await sendDirtied(one);
  await other.sender.flushed();
  await other.flow.drained();
  expect(other.sender.sent.reference).toBe(64);
  expectEqual(other);
});

test('frames that are compressed keep their place before the references to them', async () => {
  const shared = sharing(4000);
  const migrations = [
    simulateMigration(abort.signal, {}, shared),
    simulateMigration(abort.signal, {}, shared),
  ];
  // The bandwidth must be known, and low.
  for (const { flow } of migrations) flow.limitTo(40_000_000);
  for (const { sender, pending } of migrations) await sender.sendAll(pending, abort.signal);
  for (let round = 0; round < 6; round++) {
    const sent = migrations.map(async (migration) => {
      for (let page = 0; page < 300; page++)
        migration.guest.write(page, 0, filled((page + round * 40) % 251));
      await sendDirtied(migration);
    });
    await Promise.all(sent);
    migrations.forEach(expectEqual);
  }
  expect(kinds(migrations[0] ?? simulateMigration(abort.signal))).toContain(FrameKind.compressedStoredPages);
});
