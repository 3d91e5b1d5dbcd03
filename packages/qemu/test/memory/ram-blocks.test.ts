import { afterEach, describe, expect, it } from 'vitest';
import { parseRamBlocks, readRamBlocks } from '../../src/memory/ram-blocks.js';
import { BareQemu, FIRMWARE } from '../support/bare-qemu.js';
import { expectThrown } from '../support/expect-error.js';

const HEADER =
  '              Block Name    PSize              Offset               Used              Total                HVA  RO\r\n';
const NUMBERS = '0x0000000000000000 0x0000000020000000 0x0000000030000000 0x00007fc757e00000';

describe('parseRamBlocks', () => {
  it('reads every column', () => {
    expect(parseRamBlocks(`${HEADER}                  pc.ram    4 KiB  ${NUMBERS}  rw\r\n`)).toEqual([
      {
        name: 'pc.ram',
        pageSize: 4096,
        usedLength: 0x20000000,
        totalLength: 0x30000000,
        hostAddress: 0x7fc757e00000,
        readOnly: false,
      },
    ]);
  });

  it('reads huge page sizes, long names and names with spaces', () => {
    const text = [
      `                    small    2 MiB  ${NUMBERS}  rw`,
      `0000:00:02.0/virtio-net-pci.rom    4 KiB  ${NUMBERS}  ro`,
      `                two words    1 GiB  ${NUMBERS}  rw`,
    ].join('\r\n');
    const seen = parseRamBlocks(HEADER + text).map(({ name, pageSize, readOnly }) => [
      name,
      pageSize,
      readOnly,
    ]);
    expect(seen).toEqual([
      ['small', 2 << 20, false],
      ['0000:00:02.0/virtio-net-pci.rom', 4096, true],
      ['two words', 1 << 30, false],
    ]);
  });

  it('leaves out what has no name: it does not migrate', () => {
    expect(parseRamBlocks(`${HEADER}                            4 KiB  ${NUMBERS}  rw\r\n`)).toEqual([]);
  });

  it('says that a QEMU without host addresses is too old', () => {
    const before =
      '              Block Name    PSize              Offset               Used              Total\r\n';
    expectThrown(() => parseRamBlocks(before), 'qemu-too-old');
  });

  it.each(['', 'nonsense', `${HEADER}pc.ram 4 KiB what`, `${HEADER} pc.ram    4 KiB  ${NUMBERS}  xx`])(
    'refuses what it cannot read: %j',
    (text) => {
      expectThrown(() => parseRamBlocks(text), 'qemu-unexpected');
    },
  );
});

describe('readRamBlocks', () => {
  let qemu: BareQemu | undefined;
  afterEach(async () => {
    await qemu?.kill();
  });

  const usual = ['/rom@etc/acpi/tables', '/rom@etc/table-loader', '/rom@etc/acpi/rsdp', 'pc.rom'];
  it.each([
    ['pc', ['-machine', 'pc', ...FIRMWARE.seabios], 512, [...usual, 'pc.ram', 'pc.bios']],
    [
      'q35 with vga',
      ['-machine', 'q35', '-vga', 'std', ...FIRMWARE.seabios],
      4096,
      [...usual, 'pc.ram', 'pc.bios', '0000:00:01.0/vga.vram', '0000:00:01.0/vga.rom'],
    ],
    [
      'q35 with OVMF',
      ['-machine', 'q35', ...FIRMWARE.ovmf],
      512,
      [...usual, 'pc.ram', 'system.flash0', 'system.flash1'],
    ],
  ])('finds all blocks of %s', async (_what, args, mebibytes, names) => {
    qemu = await BareQemu.start(...args, '-m', String(mebibytes), '-S');
    const blocks = await readRamBlocks(qemu.qmp);
    expect(blocks.map(({ name }) => name).toSorted()).toEqual(names.toSorted());
    expect(blocks.find(({ name }) => name === 'pc.ram')).toMatchObject({
      usedLength: mebibytes * 2 ** 20,
      totalLength: mebibytes * 2 ** 20,
      pageSize: 4096,
      readOnly: false,
    });
  });
});
