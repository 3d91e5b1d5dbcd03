import { expect, test } from 'vitest';
import type { DiskReport } from '../../src/api/schemas.js';
import { diskLines } from '../../src/view/disk-lines.js';

type ReportedDisk = DiskReport['disks'][number];

const shared: ReportedDisk = {
  name: 'vda',
  bytes: 2 ** 30,
  state: 'shared',
  there: 'disk0',
  sameImage: true,
  samples: { equal: 15, different: 1, unreadable: 0 },
};

test.each<[string, Partial<ReportedDisk>, string]>([
  [
    'is shared',
    {},
    'vda, 1.0 GiB: shared (15 of 16 blocks are the same, the image has the same name, there it is disk0)',
  ],
  [
    'has other contents',
    { state: 'different', sameImage: false, samples: { equal: 0, different: 16, unreadable: 0 } },
    'vda, 1.0 GiB: not shared, what is there has other contents (0 of 16 blocks are the same, there it is disk0)',
  ],
  [
    'cannot be read',
    { state: 'unreadable', sameImage: false, samples: { equal: 0, different: 0, unreadable: 16 } },
    'vda, 1.0 GiB: not known, it cannot be read there (16 blocks were not read, there it is disk0)',
  ],
  [
    'may be it',
    { state: 'same-length', sameImage: false, samples: { equal: 0, different: 0, unreadable: 0 } },
    'vda, 1.0 GiB: not known, but as long as one there (there it is disk0)',
  ],
  [
    'is not there',
    {
      state: 'absent',
      there: null,
      sameImage: false,
      samples: { equal: 0, different: 0, unreadable: 0 },
    },
    'vda, 1.0 GiB: not shared, nothing there is as long',
  ],
])('a disk that %s', (_what, disk, expected) => {
  expect(diskLines({ reason: null, disks: [{ ...shared, ...disk }] })).toEqual([
    'page cache from shared disks:',
    `  ${expected}`,
  ]);
});

test('why nothing could be compared is said, and nothing at all where storage is not wanted', () => {
  expect(diskLines({ reason: 'the guest is no Linux', disks: [] })).toEqual([
    'page cache from shared disks:',
    '  nothing could be compared: the guest is no Linux',
  ]);
  expect(diskLines(null)).toEqual([]);
});
