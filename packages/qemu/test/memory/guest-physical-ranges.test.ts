import { afterEach, describe, expect, it } from 'vitest';
import { parseMemoryRanges } from '../../src/memory/guest-physical-ranges.js';
import { readRamLayout, type RamLayout } from '../../src/memory/ram-layout.js';
import { BareQemu, FIRMWARE } from '../support/bare-qemu.js';
import { expectThrown } from '../support/expect-error.js';

const TREE = [
  'FlatView #0',
  ' AS "I/O", root: io',
  ' Root memory region: io',
  '  0000000000000000-0000000000000007 (prio 0, ram): not this one',
  '',
  'FlatView #1',
  ' AS "cpu-memory-0", root: system',
  ' AS "memory", root: system',
  ' Root memory region: system',
  '  0000000000000000-000000000009ffff (prio 0, ram): pc.ram KVM',
  '  00000000000a0000-00000000000bffff (prio 1, i/o): vga-lowmem',
  '  00000000000c0000-00000000000c9fff (prio 0, rom): pc.ram @00000000000c0000 KVM',
  '  00000000ffc00000-00000000ffc83fff (prio -1, romd): system.flash1',
  '  0000000100000000-000000017fffffff (prio 0, nv-ram): a name with (prio 0, i/o): in it @0000000080000000',
  '  ffff000000000000-ffffffffffffffff (prio 0, i/o): all',
  '',
].join('\r\n');

describe('parseMemoryRanges', () => {
  it('takes RAM and ROM of the address space of the processors', () => {
    expect(parseMemoryRanges(TREE)).toEqual([
      { start: 0, length: 0xa0000, readOnly: false },
      { start: 0xc0000, length: 0xa000, readOnly: true },
      { start: 0xffc00000, length: 0x84000, readOnly: true },
      { start: 0x100000000, length: 0x80000000, readOnly: false },
    ]);
  });

  it('says so when there is no such address space', () => {
    expectThrown(() => parseMemoryRanges('FlatView #0\n AS "I/O", root: io\n'), 'qemu-unexpected');
  });
});

describe('readRamLayout', () => {
  let qemu: BareQemu | undefined;
  afterEach(async () => {
    await qemu?.kill();
  });

  const rangesOf = (layout: RamLayout, block: string): (readonly [number, number, number])[] =>
    layout.ranges
      .filter(({ blockName }) => blockName === block)
      .map(({ start, length, blockOffset }) => [start, length, blockOffset] as const);

  const MiB = 2 ** 20;
  const GiB = 2 ** 30;

  it.each([
    ['pc', '512M', 512 * MiB, []],
    ['pc', '4G', 3 * GiB, [[4 * GiB, GiB, 3 * GiB]]],
    ['q35', '512M', 512 * MiB, []],
    ['q35', '4G', 2 * GiB, [[4 * GiB, 2 * GiB, 2 * GiB]]],
  ])('finds the RAM of %s with %s around the PCI hole', async (machine, memory, below, above) => {
    qemu = await BareQemu.start('-machine', machine, '-m', memory, '-S');
    const ranges = rangesOf(await readRamLayout(qemu.qmp), 'pc.ram');
    expect(ranges).toContainEqual([MiB, below - MiB, MiB]);
    expect(ranges.filter(([start]) => start >= 4 * GiB)).toEqual(above);
  });

  it('finds the flash of OVMF at the end of the first 4 GiB', async () => {
    qemu = await BareQemu.start('-machine', 'q35', '-m', '512', '-S', ...FIRMWARE.ovmf);
    const layout = await readRamLayout(qemu.qmp);
    const code = layout.blocks.find(({ name }) => name === 'system.flash0')?.usedLength ?? 0;
    expect(rangesOf(layout, 'system.flash0')).toContainEqual([4 * GiB - code, code, 0]);
  });

  it('tells two cards of the same kind apart', async () => {
    const { qmp } = (qemu = await BareQemu.start(
      ...['-machine', 'pc', '-m', '64', '-device', 'VGA', '-device', 'secondary-vga'],
    ));
    const names = ['0000:00:02.0/vga.vram', '0000:00:03.0/vga.vram'];
    await expect
      .poll(async () => {
        const layout = await readRamLayout(qmp);
        return names.map((name) => rangesOf(layout, name).map(([, length, offset]) => [length, offset]));
      })
      .toEqual([[[16 * MiB, 0]], [[16 * MiB, 0]]]);
  });
});
