import type { ComparedDisk, SampledDisk } from '@pageferry/wire';
import { describe, expect, test } from 'vitest';
import { diskReport } from '../../src/storage/disk-report.js';

const disk: SampledDisk = { name: 'vda', bytes: 4096, samples: [] };
const isOff: unknown = expect.stringContaining('"storage" is off');
const compared: ComparedDisk = { there: 'disk0', sameImage: false, equal: 0, different: 0, unreadable: 0 };

/** What is said of one disk. */
function reportOf(comparison: Partial<ComparedDisk>) {
  return diskReport({ disks: [disk], reason: null }, [{ ...compared, ...comparison }]);
}

describe('a disk', () => {
  test.each([
    ['shared', { equal: 16 }],
    ['shared', { equal: 8, different: 8 }],
    ['shared', { equal: 2, unreadable: 1 }],
    ['different', { equal: 7, different: 9 }],
    ['unreadable', { different: 1, unreadable: 2 }],
    ['same-length', {}],
  ])('is %s: %o', (state, samples) => {
    const { disks } = reportOf(samples);
    const counts = { equal: 0, different: 0, unreadable: 0, ...samples };
    expect(disks).toEqual([
      { name: 'vda', bytes: 4096, state, there: 'disk0', sameImage: false, samples: counts },
    ]);
  });

  test('is absent where none is as long', () => {
    const none: ComparedDisk = { sameImage: false, equal: 0, different: 0, unreadable: 0 };
    const { disks } = diskReport({ disks: [disk], reason: null }, [none]);
    expect(disks).toMatchObject([{ state: 'absent', there: null }]);
  });
});

test('why nothing was compared is said: of the guest, or of the destination', () => {
  const reason = 'there is no Linux kernel';
  expect(diskReport({ disks: [disk], reason }, [compared])).toMatchObject({ reason });
  expect(diskReport({ disks: [disk], reason }, undefined)).toEqual({
    reason: isOff,
    disks: [],
  });
});

test('a destination that compares other disks than it was asked for breaks the protocol', () => {
  expect(() => diskReport({ disks: [disk], reason: null }, [compared, compared])).toThrow(
    expect.objectContaining({ code: 'protocol-violation' }),
  );
});
