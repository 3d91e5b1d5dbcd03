import { describe, expect, test } from 'vitest';
import { openGuest } from '@pageferry/introspect';
import { FakeDisks } from '../support/fake-disks.js';
import { FakeExt4, extentRoot } from '../support/fake-ext4.js';
import { FakeLinux, FakeMemory, type Series } from '../support/fake-linux.js';
import { guestWithDisks, mapPages, noneUnmapped, positions } from '../support/map-guest.js';

const MIB = 2 ** 20;
const frame = 2060;
const whole = extentRoot(0, [{ start: 0, length: 1000, block: 100 }]);

describe.each<Series>(['6.1', '6.12'])('a guest with Linux %s', (series) => {
  test('has pages of files and of a disk itself where the disk has them', async () => {
    const { memory, disks } = guestWithDisks(series);
    const disk = disks.disk('vda', 64 * MIB);
    const file = new FakeExt4(disks, disk).file(whole);
    disks.cache({ frame, mapping: file, index: 7 });
    disks.cache({ frame: frame + 1, mapping: disk.mapping, index: 3 });
    disks.cache({ frame: frame + 2, mapping: file, index: 0 });
    const mapped = await mapPages(memory);
    expect(mapped.disks).toEqual([{ name: 'vda', bytes: 64 * MIB }]);
    expect(positions(mapped)).toEqual({
      [frame]: `vda+${107 * 4096}`,
      [frame + 1]: `vda+${3 * 4096}`,
      [frame + 2]: `vda+${100 * 4096}`,
    });
    expect(mapped.unmapped).toEqual(noneUnmapped);
  });

  test('has pages behind the first one of a folio, and behind a hole in its memory', async () => {
    const { memory, linux, disks } = guestWithDisks(series);
    const file = new FakeExt4(disks, disks.disk('sda', 64 * MIB)).file(whole);
    disks.cache({ frame, mapping: file, index: 4, flags: ['lru', 'uptodate', 'head'] });
    linux.writePage(frame + 1, { tailOf: frame });
    linux.writeLargeMapcount(frame, -1);
    linux.writePage(frame + 2, { tailOf: frame });
    disks.cache({ frame: 16_384 + 5, mapping: file, index: 9 });
    expect(positions(await mapPages(memory))).toEqual({
      [frame]: `sda+${104 * 4096}`,
      [frame + 1]: `sda+${105 * 4096}`,
      [frame + 2]: `sda+${106 * 4096}`,
      [4096 + 5]: `sda+${109 * 4096}`,
    });
  });
});

test('a page that processes have mapped is mapped, but not one that has changed', async () => {
  const { memory, disks } = guestWithDisks('6.12');
  const file = new FakeExt4(disks, disks.disk('vda', 64 * MIB)).file(whole);
  const flags = ['lru', 'uptodate'];
  disks.cache({ frame, mapping: file, index: 0 }, { mapcount: 3 });
  for (const [index, flag] of ['dirty', 'writeback', 'locked', 'hwpoison'].entries()) {
    disks.cache({ frame: frame + 1 + index, mapping: file, index: 1 + index, flags: [...flags, flag] });
  }
  disks.cache({ frame: frame + 8, mapping: file, index: 8, flags: ['lru'] });
  disks.cache({ frame: frame + 9, mapping: file, index: 9, flags: [...flags, 'unevictable'] });
  const mapped = await mapPages(memory);
  expect(Object.keys(positions(mapped))).toEqual([String(frame), String(frame + 9)]);
  expect(mapped.unmapped).toEqual(noneUnmapped);
});

test('a partition begins where the disk says', async () => {
  const { memory, disks } = guestWithDisks('6.12');
  const disk = disks.disk('nvme0n1', 64 * MIB);
  const partition = disks.device(disk.disk, MIB + 512, 16 * MIB);
  const file = new FakeExt4(disks, partition).file(whole);
  disks.cache({ frame, mapping: file, index: 0 });
  disks.cache({ frame: frame + 1, mapping: partition.mapping, index: 1 });
  const mapped = await mapPages(memory);
  expect(mapped.disks).toEqual([{ name: 'nvme0n1', bytes: 64 * MIB }]);
  expect(positions(mapped)).toEqual({
    [frame]: `nvme0n1+${MIB + 512 + 100 * 4096}`,
    [frame + 1]: `nvme0n1+${MIB + 512 + 4096}`,
  });
});

test('several disks are told apart', async () => {
  const { memory, disks } = guestWithDisks('6.1');
  const names = ['vda', 'vdb', 'sdaa'];
  for (const [index, name] of names.entries()) {
    const { mapping } = disks.disk(name, (index + 1) * MIB);
    disks.cache({ frame: frame + index, mapping, index });
  }
  const mapped = await mapPages(memory);
  expect(Object.values(positions(mapped))).toEqual(['vda+0', 'vdb+4096', 'sdaa+8192']);
});

test.each(['dm-0', 'md127', 'loop0', 'zram0', 'ram0', 'nbd0', 'drbd1', 'bcache0', ''])(
  'what is on %s is on no plain disk',
  async (name) => {
    const { memory, disks } = guestWithDisks('6.12');
    const device = disks.disk(name, 64 * MIB);
    disks.cache({ frame, mapping: new FakeExt4(disks, device).file(whole), index: 0 });
    disks.cache({ frame: frame + 1, mapping: device.mapping, index: 0 });
    const mapped = await mapPages(memory);
    expect(mapped).toMatchObject({ disks: [], unmapped: { ...noneUnmapped, device: 2 } });
    expect(mapped.places).toHaveLength(0);
  },
);

test('what lies beyond the end of its partition is not mapped, nor what is of one beyond its disk', async () => {
  const { memory, disks } = guestWithDisks('6.12');
  const disk = disks.disk('vda', 64 * MIB);
  const inside = disks.device(disk.disk, MIB, 64 * 4096 + 512);
  const beyond = disks.device(disk.disk, 63 * MIB, 2 * MIB);
  for (const index of [63, 64, 65]) disks.cache({ frame: frame + index, mapping: inside.mapping, index });
  disks.cache({ frame, mapping: beyond.mapping, index: 0 });
  const mapped = await mapPages(memory);
  expect(positions(mapped)).toEqual({ [frame + 63]: `vda+${MIB + 63 * 4096}` });
  expect(mapped.unmapped).toEqual({ ...noneUnmapped, noExtent: 2, device: 1 });
});

test('other file systems are counted, also those of the same mark', async () => {
  const { memory, disks } = guestWithDisks('6.12');
  const device = disks.disk('vda', 64 * MIB);
  disks.cache({ frame, mapping: new FakeExt4(disks, device, 4096, 'ext2').file(whole), index: 0 });
  const other = disks.fileSystem('btrfs', 0x9123_683e, device.address, 4096);
  disks.cache({ frame: frame + 1, mapping: disks.inode(disks.place(1024), other), index: 0 });
  expect((await mapPages(memory)).unmapped).toEqual({ ...noneUnmapped, filesystem: 2 });
});

test('what is no inode is counted', async () => {
  const { memory, disks } = guestWithDisks('6.12');
  const mapping = new FakeExt4(disks, disks.disk('vda', 64 * MIB)).file(whole);
  disks.put(mapping, 8, mapping);
  disks.cache({ frame, mapping, index: 0 });
  disks.cache({ frame: frame + 1, mapping: 0xffff_c900_0000_0000n, index: 0 });
  disks.cache({ frame: frame + 2, mapping: 0xffff_8880_0090_0004n, index: 0 });
  expect((await mapPages(memory)).unmapped).toEqual({ ...noneUnmapped, inode: 3 });
});

test('a page far behind the end of all files is left out', async () => {
  const { memory, disks, linux } = guestWithDisks('6.12');
  const { mapping } = disks.disk('vda', 64 * MIB);
  disks.cache({ frame, mapping, index: 2 ** 32 + 1 });
  disks.cache({ frame: frame + 1, mapping, index: 2 ** 32 - 1, flags: ['lru', 'uptodate', 'head'] });
  linux.writePage(frame + 2, { tailOf: frame + 1 });
  linux.writeLargeMapcount(frame + 1, -1);
  expect((await mapPages(memory)).unmapped).toEqual({ ...noneUnmapped, inode: 2, noExtent: 1 });
});

test('what the kernel does not describe is not guessed', async () => {
  const memory = new FakeMemory();
  const disks = new FakeDisks(memory, new FakeLinux(memory));
  const device = disks.disk('vda', 64 * MIB);
  disks.cache({ frame, mapping: new FakeExt4(disks, device).file(whole), index: 0 });
  disks.cache({ frame: frame + 1, mapping: device.mapping, index: 0 });
  const mapped = await mapPages(memory);
  expect(mapped.unmapped).toEqual({ ...noneUnmapped, filesystem: 1 });
  expect(positions(mapped)).toEqual({ [frame + 1]: 'vda+0' });
});

test('a guest that has rebooted since is unsupported', async () => {
  const { memory, linux } = guestWithDisks('6.12');
  const guest = await openGuest(memory);
  if (guest.kind === 'unsupported') throw new Error(guest.reason);
  const classes = new Uint8Array(guest.pageCount);
  memory.bytes.fill(0, linux.pageTables, linux.pageTables + 4096);
  expect(await guest.mapFilePages({ classes })).toMatchObject({ kind: 'unsupported' });
  await expect(guest.mapFilePages({ classes: classes.subarray(1) })).rejects.toThrow(RangeError);
});

test('ends when it is told to', async () => {
  const { memory, disks } = guestWithDisks('6.12');
  disks.cache({ frame, mapping: disks.disk('vda', MIB).mapping, index: 0 });
  const guest = await openGuest(memory);
  const pages = guest.kind === 'linux' ? await guest.classify() : guest;
  if (guest.kind === 'unsupported' || pages.kind === 'unsupported') throw new Error('it is known');
  const signal = AbortSignal.abort(new Error('enough'));
  await expect(guest.mapFilePages({ classes: pages.classes, signal })).rejects.toThrow('enough');
});
