import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  DELTA_HEADER_BYTES,
  FrameKind,
  HEADER_BYTES,
  MAX_FRAME_BYTES,
  PAGE_BYTES,
  PAGE_RECORD_BYTES,
  RUN_BYTES,
  checkDeltasFrame,
  checkPagesFrame,
  checkRunsFrame,
  readAddress,
  readHeader,
  runAddress,
  runPages,
  writeAddress,
  writeDeltaHeader,
  writeHeader,
  writeRun,
} from '../src/index.js';

const violation: unknown = expect.objectContaining({ code: 'protocol-violation' });
const MAX_PAGES_A_FRAME = Math.floor((MAX_FRAME_BYTES - HEADER_BYTES) / PAGE_RECORD_BYTES);
const BLOCK_PAGES = 1 << 20;
const BLOCK_BYTES = BLOCK_PAGES * PAGE_BYTES;

function pagesFrame(addresses: readonly number[], count = addresses.length): Buffer {
  const frame = Buffer.alloc(HEADER_BYTES + addresses.length * PAGE_RECORD_BYTES);
  writeHeader(frame, { kind: FrameKind.pages, sequence: 1, block: 0, count });
  addresses.forEach((address, index) => {
    writeAddress(frame, HEADER_BYTES + index * PAGE_RECORD_BYTES, address);
  });
  return frame;
}

function runsFrame(runs: readonly (readonly [number, number])[], count = runs.length): Buffer {
  const frame = Buffer.alloc(HEADER_BYTES + runs.length * RUN_BYTES);
  writeHeader(frame, { kind: FrameKind.zeroPages, sequence: 1, block: 0, count });
  runs.forEach(([address, pages], index) => {
    writeRun(frame, index, address, pages);
  });
  return frame;
}

const checkPages = (frame: Buffer, blockLength = BLOCK_BYTES): void => {
  checkPagesFrame(frame, readHeader(frame), blockLength);
};
const checkRuns = (frame: Buffer, blockLength = BLOCK_BYTES): void => {
  checkRunsFrame(frame, readHeader(frame), blockLength);
};

test('an address is read as it was written, up to the largest that a number holds', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), (address) => {
      const frame = Buffer.alloc(8, 0xff);
      writeAddress(frame, 0, address);
      expect(frame.readBigUInt64BE(0)).toBe(BigInt(address));
      expect(readAddress(frame, 0)).toBe(address);
    }),
  );
});

test('a run has the layout of the protocol', () => {
  const frame = runsFrame([
    [0x1000, 1],
    [0x12_3456_7000, 0x89],
  ]);
  expect(frame.subarray(HEADER_BYTES).toString('hex')).toBe(
    '0000000000001000' + '00000001' + '0000001234567000' + '00000089',
  );
  expect([runAddress(frame, 1), runPages(frame, 1)]).toEqual([0x12_3456_7000, 0x89]);
});

const pageNumbers = fc.nat(BLOCK_PAGES - 1);

test('a frame of any pages of a block passes, and with any of them outside or unaligned does not', () => {
  fc.assert(
    fc.property(
      fc.array(pageNumbers, { minLength: 1, maxLength: 40 }),
      fc.nat(),
      fc.oneof(
        fc.integer({ min: 1, max: PAGE_BYTES - 1 }),
        fc.bigInt({ min: BigInt(BLOCK_BYTES), max: 2n ** 64n - 1n }),
      ),
      (pages, place, wrong) => {
        const frame = pagesFrame(pages.map((page) => page * PAGE_BYTES));
        checkPages(frame);
        const at = HEADER_BYTES + (place % pages.length) * PAGE_RECORD_BYTES;
        const address = typeof wrong === 'bigint' ? wrong : BigInt(readAddress(frame, at) + wrong);
        frame.writeBigUInt64BE(address, at);
        expect(() => {
          checkPages(frame);
        }).toThrow(violation);
      },
    ),
  );
});

test('a frame of any runs of a block passes, and with any of them longer than the rest of it does not', () => {
  const runs = pageNumbers.chain((first) =>
    fc.integer({ min: 1, max: BLOCK_PAGES - first }).map((pages) => [first, pages] as const),
  );
  fc.assert(
    fc.property(fc.array(runs, { minLength: 1, maxLength: 40 }), fc.nat(), (given, place) => {
      const frame = runsFrame(given.map(([first, pages]) => [first * PAGE_BYTES, pages]));
      checkRuns(frame);
      const index = place % given.length;
      writeRun(frame, index, runAddress(frame, index), BLOCK_PAGES - (given[index]?.[0] ?? 0) + 1);
      expect(() => {
        checkRuns(frame);
      }).toThrow(violation);
    }),
  );
});

describe('refused is a frame', () => {
  test.each<[string, () => void, RegExp]>([
    [
      'without pages',
      () => {
        checkPages(pagesFrame([]));
      },
      /has 0 pages/,
    ],
    [
      'without runs',
      () => {
        checkRuns(runsFrame([]));
      },
      /has 0 runs/,
    ],
    [
      'of more pages than it has',
      () => {
        checkPages(pagesFrame([0], 2));
      },
      /has 2 pages, but is 4120 bytes/,
    ],
    [
      'of fewer pages than it has',
      () => {
        checkPages(pagesFrame([0, 4096], 1));
      },
      /has 1 pages/,
    ],
    [
      'of as many pages as can be counted',
      () => {
        checkPages(pagesFrame([0], 0xffff_ffff));
      },
      /has 4294967295/,
    ],
    [
      'of as many runs as can be counted',
      () => {
        checkRuns(runsFrame([[0, 1]], 0xffff_ffff));
      },
      /has 4294967295/,
    ],
    [
      'whose last page is cut off',
      () => {
        checkPages(pagesFrame([0]).subarray(0, -1));
      },
      /has 1 pages/,
    ],
    [
      'whose last run is cut off',
      () => {
        checkRuns(runsFrame([[0, 1]]).subarray(0, -1));
      },
      /has 1 runs/,
    ],
    [
      'with something after its pages',
      () => {
        checkPages(Buffer.concat([pagesFrame([0]), Buffer.of(0)]));
      },
      /1 pages/,
    ],
    [
      'with an empty run',
      () => {
        checkRuns(runsFrame([[0, 0]]));
      },
      /page address 0/,
    ],
    [
      'with a run between two pages',
      () => {
        checkRuns(runsFrame([[2048, 1]]));
      },
      /page address 2048/,
    ],
    [
      'with a run of all pages there can be',
      () => {
        checkRuns(runsFrame([[4096, 0xffff_ffff]]));
      },
      /address 4096/,
    ],
    [
      'of pages of an empty block',
      () => {
        checkPages(pagesFrame([0]), 0);
      },
      /RAM block of 0 bytes/,
    ],
  ])('%s', (_what, check, message) => {
    expect(check).toThrow(violation);
    expect(check).toThrow(message);
  });
});

test('any bytes end in a checked frame or in a protocol violation', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 9000 }), fc.nat(1 << 20), (bytes, blockLength) => {
      const frame = Buffer.from(bytes);
      for (const check of [checkPagesFrame, checkRunsFrame]) {
        try {
          check(frame, readHeader(frame), blockLength);
        } catch (error) {
          expect(error).toEqual(violation);
        }
      }
    }),
  );
});

test('the largest frames are checked as a whole', () => {
  const pages = pagesFrame(Array.from({ length: MAX_PAGES_A_FRAME }, (_, page) => page * PAGE_BYTES));
  const runs = runsFrame(Array.from({ length: 87_000 }, (_, page) => [page * PAGE_BYTES, 1] as const));
  expect(Math.max(pages.length, runs.length)).toBeLessThanOrEqual(MAX_FRAME_BYTES);
  checkPages(pages);
  checkRuns(runs);
});

function deltasFrame(
  deltas: readonly (readonly [address: number, length: number])[],
  count = deltas.length,
): Buffer {
  const records = deltas.map(([address, length]) => {
    const record = Buffer.alloc(DELTA_HEADER_BYTES + length, 0xab);
    writeDeltaHeader(record, 0, address, length);
    return record;
  });
  const frame = Buffer.concat([Buffer.alloc(HEADER_BYTES), ...records]);
  writeHeader(frame, { kind: FrameKind.pageDeltas, sequence: 1, block: 0, count });
  return frame;
}

const checkDeltas = (frame: Buffer, blockLength = BLOCK_BYTES): void => {
  checkDeltasFrame(frame, readHeader(frame), blockLength);
};

test('a delta has the layout of the protocol, which is that of QEMU', () => {
  const frame = deltasFrame([[0x12_3456_7000, 0x102]]);
  expect(frame.subarray(HEADER_BYTES, HEADER_BYTES + 11).toString('hex')).toBe(
    '0000001234567000' + '01' + '0102',
  );
});

describe('a frame of deltas', () => {
  test('passes with any lengths of up to a page', () => {
    const deltas = fc.array(fc.tuple(pageNumbers, fc.integer({ min: 1, max: 4096 })), {
      minLength: 1,
      maxLength: 20,
    });
    fc.assert(
      fc.property(deltas, (all) => {
        checkDeltas(deltasFrame(all.map(([page, length]) => [page * PAGE_BYTES, length])));
      }),
    );
  });

  const valid = deltasFrame([
    [0, 10],
    [4096, 20],
  ]);
  const changed = (offset: number, value: number): Buffer => {
    const frame = Buffer.from(valid);
    frame[offset] = value;
    return frame;
  };

  test.each<[string, Buffer]>([
    ['without deltas', deltasFrame([])],
    ['that counts too many', deltasFrame([[0, 10]], 2)],
    [
      'that counts too few',
      deltasFrame(
        [
          [0, 10],
          [4096, 20],
        ],
        1,
      ),
    ],
    ['that is cut off', valid.subarray(0, valid.length - 1)],
    ['that is cut off in a header', valid.subarray(0, HEADER_BYTES + 5)],
    ['with bytes after the last', Buffer.concat([valid, Buffer.alloc(1)])],
    ['with an unaligned address', changed(HEADER_BYTES + 7, 8)],
    ['with an address outside of the block', changed(HEADER_BYTES, 1)],
    ['with another encoding', changed(HEADER_BYTES + 8, 2)],
    ['with an empty delta', deltasFrame([[0, 0]])],
    ['with a delta longer than a page', deltasFrame([[0, 4097]])],
  ])('is refused %s', (_what, frame) => {
    expect(() => {
      checkDeltas(frame);
    }).toThrow(violation);
  });

  test('of any bytes passes or is a protocol violation', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), fc.nat(4), (bytes, count) => {
        const frame = Buffer.concat([Buffer.alloc(HEADER_BYTES), bytes]);
        writeHeader(frame, { kind: FrameKind.pageDeltas, sequence: 1, block: 0, count });
        try {
          checkDeltas(frame);
        } catch (error) {
          expect(error).toEqual(violation);
        }
      }),
    );
  });
});
