import type { Disk } from '@pageferry/qemu';
import { PAGE_SIZE } from '@pageferry/transfer';
import type { SampledDisk } from '@pageferry/wire';
import { expect, test } from 'vitest';
import { DiskSamples } from '../../src/storage/disk-samples.js';
import type { BlockSink } from '../../src/storage/shared-disks.js';

const diskOf = (name: string, size: number): Disk => ({
  name,
  size,
  format: 'raw',
  filename: `/${name}`,
  readOnly: false,
});
const sample = (offset: number, hash: number): SampledDisk['samples'][number] => ({
  offset,
  hash: hash.toString(16).padStart(16, '0'),
});

/** Disks of which each block's first byte is its hash, or that cannot be read. */
class FakeDisks {
  readonly hash = (bytes: Uint8Array): bigint => BigInt(bytes[0] ?? 0);
  readonly disks: Disk[];
  /** Of each disk its blocks by their offsets. */
  readonly contents: ReadonlyMap<number, number>[];
  #sink: BlockSink | undefined;

  constructor(disks: Disk[], contents: ReadonlyMap<number, number>[]) {
    this.disks = disks;
    this.contents = contents;
  }

  deliverTo(sink: BlockSink): void {
    this.#sink = sink;
  }

  want(number: number, slots: Uint32Array, offsets: Float64Array, count: number): void {
    queueMicrotask(() => {
      for (let index = 0; index < count; index++) {
        const byte = this.contents[number]?.get(offsets[index] ?? 0);
        if (byte === undefined) this.#sink?.unreadable(slots[index] ?? 0);
        else this.#sink?.block(slots[index] ?? 0, Buffer.alloc(PAGE_SIZE, byte), 0);
      }
    });
  }
}

test('samples are read from every disk that is as long, and from no other', async () => {
  const contents = [
    new Map([
      [0, 1],
      [512, 2],
    ]),
    new Map([[0, 9]]),
    new Map([[0, 1]]),
  ];
  const disks = [diskOf('same', 4096), diskOf('other', 4096), diskOf('longer', 8192)];
  const guest: SampledDisk = { name: 'vda', bytes: 4096, samples: [sample(0, 1), sample(512, 2)] };
  const samples = new DiskSamples([guest], new FakeDisks(disks, contents));
  await samples.read();
  expect(samples.pairsOf(0)).toMatchObject([
    { there: { name: 'same' }, equal: 2, different: 0 },
    { there: { name: 'other' }, equal: 0, different: 1 },
  ]);
});

test('nothing is read for a disk without samples, or that none is like', async () => {
  const disks = new FakeDisks([diskOf('same', 4096)], [new Map()]);
  const samples = new DiskSamples(
    [
      { name: 'vda', bytes: 4096, samples: [] },
      { name: 'vdb', bytes: 512, samples: [sample(0, 1)] },
    ],
    disks,
  );
  await samples.read();
  expect(samples.pairsOf(0)).toMatchObject([{ equal: 0, different: 0 }]);
  expect(samples.pairsOf(1)).toEqual([]);
});
