import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  FrameKind,
  HEADER_BYTES,
  MAX_BLOCK_RECORDS,
  PAGE_BYTES,
  RUN_BYTES,
  batchDisk,
  batchNumber,
  blockHash,
  blockOffset,
  blockPageAddress,
  blocksFrameBytes,
  checkBlocksFrame,
  checkSettledFrame,
  readHeader,
  writeBatch,
  writeBlockRecord,
  writeHeader,
  writeRun,
} from '../src/index.js';

const BLOCK_PAGES = 1024;
const BLOCK_BYTES = BLOCK_PAGES * PAGE_BYTES;
const DISKS = [2 ** 40, 2 ** 24];
const violation: unknown = expect.objectContaining({ code: 'protocol-violation' });

interface Named {
  readonly address: number;
  readonly offset: number;
  readonly hash: bigint;
}

function blocksFrame(disk: number, batch: number, named: readonly Named[], count = named.length): Buffer {
  const frame = Buffer.alloc(blocksFrameBytes(named.length));
  writeHeader(frame, { kind: FrameKind.blocks, sequence: 7, block: 1, count });
  writeBatch(frame, disk, batch);
  named.forEach(({ address, offset, hash }, index) => {
    writeBlockRecord(frame, index, address, offset, hash);
  });
  return frame;
}

const check = (frame: Buffer): void => {
  checkBlocksFrame(frame, readHeader(frame), BLOCK_BYTES, DISKS);
};
const one: Named = { address: PAGE_BYTES, offset: 512, hash: 1n };

const named = fc.record({
  address: fc.nat({ max: BLOCK_PAGES - 1 }).map((page) => page * PAGE_BYTES),
  offset: fc.nat({ max: 2 ** 31 - 9 }).map((sector) => sector * 512),
  hash: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
});

test('what a frame names is read as it was written', () => {
  fc.assert(
    fc.property(
      fc.array(named, { minLength: 1, maxLength: MAX_BLOCK_RECORDS }),
      fc.nat({ max: 2 ** 32 - 1 }),
      (all, batch) => {
        const frame = blocksFrame(0, batch, all);
        check(frame);
        expect(batchDisk(frame)).toBe(0);
        expect(batchNumber(frame)).toBe(batch);
        all.forEach(({ address, offset, hash }, index) => {
          expect(blockPageAddress(frame, index)).toBe(address);
          expect(blockOffset(frame, index)).toBe(offset);
          expect(blockHash(frame, index)).toBe(hash);
        });
      },
    ),
  );
});

test.each([
  ['no block', blocksFrame(0, 1, [])],
  ['more blocks than it has', blocksFrame(0, 1, [one], 2)],
  ['fewer blocks than it has', blocksFrame(0, 1, [one, one], 1)],
  ['more blocks than a frame may name', blocksFrame(0, 1, new Array<Named>(MAX_BLOCK_RECORDS + 1).fill(one))],
  ['a disk that was not agreed on', blocksFrame(2, 1, [one])],
  ['what is not within the disk', blocksFrame(1, 1, [{ ...one, offset: 2 ** 24 - 512 }])],
  ['an offset that is no whole sector', blocksFrame(0, 1, [{ ...one, offset: 513 }])],
  ['an address that is no page', blocksFrame(0, 1, [{ ...one, address: 1 }])],
  ['a page beyond its RAM block', blocksFrame(0, 1, [{ ...one, address: BLOCK_BYTES }])],
])('a frame that names %s is refused', (_, frame) => {
  expect(() => {
    check(frame);
  }).toThrow(violation);
});

test('whatever bytes arrive, a frame is taken or refused as a breach of the protocol', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 128 }), fc.nat({ max: 5 }), (body, count) => {
      const frame = Buffer.alloc(HEADER_BYTES + body.length);
      writeHeader(frame, { kind: FrameKind.blocks, sequence: 1, block: 0, count });
      frame.set(body, HEADER_BYTES);
      try {
        check(frame);
      } catch (thrown) {
        expect(thrown).toEqual(violation);
      }
    }),
  );
});

function settled(...runs: readonly (readonly [address: number, pages: number])[]): Buffer {
  const frame = Buffer.alloc(HEADER_BYTES + runs.length * RUN_BYTES);
  writeHeader(frame, { kind: FrameKind.settled, sequence: 3, block: 0, count: runs.length });
  runs.forEach(([address, pages], index) => {
    writeRun(frame, index, address, pages);
  });
  return frame;
}

test('a settled frame names pages, or none', () => {
  for (const frame of [settled(), settled([0, 1], [8 * PAGE_BYTES, 2])]) {
    expect(() => {
      checkSettledFrame(frame, readHeader(frame), BLOCK_BYTES);
    }).not.toThrow();
  }
});

test.each([
  ['pages beyond the RAM block', settled([BLOCK_BYTES - PAGE_BYTES, 2])],
  ['a run of no pages', settled([0, 0])],
  ['more than it counts', Buffer.concat([settled(), Buffer.alloc(12)])],
])('a settled frame with %s is refused', (_, frame) => {
  expect(() => {
    checkSettledFrame(frame, readHeader(frame), BLOCK_BYTES);
  }).toThrow(violation);
});
