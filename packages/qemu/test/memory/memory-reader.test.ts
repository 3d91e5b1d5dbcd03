import { createHash, randomBytes } from 'node:crypto';
import { openSync, closeSync, readFileSync, writeSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { findProcessId } from '../../src/machine/process-id.js';
import { MemoryReader } from '../../src/memory/memory-reader.js';
import type { RamBlock } from '../../src/memory/ram-blocks.js';
import { readRamLayout, type RamLayout } from '../../src/memory/ram-layout.js';
import { BareQemu, FIRMWARE } from '../support/bare-qemu.js';
import { expectThrown } from '../support/expect-error.js';
import { withHugepages } from '../support/hugepages.js';

const PAGE = 4096;
const MiB = 2 ** 20;

let qemu: BareQemu | undefined;
let reader: MemoryReader | undefined;

afterEach(async () => {
  reader?.close();
  await qemu?.kill();
});

/** A QEMU, its memory and a reader of it. */
class Opened {
  constructor(
    readonly qemu: BareQemu,
    readonly layout: RamLayout,
    readonly reader: MemoryReader,
  ) {}

  index(name: string): number {
    return this.layout.blocks.findIndex((block) => block.name === name);
  }

  block(name: string): RamBlock {
    const block = this.layout.blocks[this.index(name)];
    if (block === undefined) throw new Error(`no block ${name}`);
    return block;
  }
}

async function start(...args: readonly string[]): Promise<Opened> {
  qemu = await BareQemu.start(...args);
  return open(qemu);
}

async function open(qemu: BareQemu): Promise<Opened> {
  const layout = await readRamLayout(qemu.qmp);
  reader = MemoryReader.open(await findProcessId(qemu.qmp), layout.blocks);
  return new Opened(qemu, layout, reader);
}

/** Writes noise into some pages of a block, as a guest might. */
function scribble(opened: Opened, name: string): number[] {
  const block = opened.block(name);
  const pages = block.usedLength / PAGE;
  const touched = [300, 301, Math.floor(pages / 2), Math.floor(pages * 0.8), pages - 1];
  const memory = openSync(`/proc/${opened.qemu.pid}/mem`, 'r+');
  for (const page of touched) writeSync(memory, randomBytes(PAGE), 0, PAGE, block.hostAddress + page * PAGE);
  closeSync(memory);
  return touched;
}

/** Compares both ends of every guest-physical range with what QEMU itself saves of them. */
async function expectSameAsPmemsave(opened: Opened): Promise<void> {
  const { qemu, layout, reader } = opened;
  const longest = 8 * MiB;
  const file = join(qemu.folder, 'saved');
  const ours = new Uint8Array(longest);
  for (const { start, length, blockName, blockOffset } of layout.ranges) {
    const size = Math.min(length, longest);
    for (const skip of new Set([0, length - size])) {
      await qemu.qmp.execute('pmemsave', { val: start + skip, size, filename: file });
      reader.readSync(opened.index(blockName), blockOffset + skip, ours, 0, size);
      const same = Buffer.compare(await readFile(file), ours.subarray(0, size)) === 0;
      expect(same, `${blockName} at 0x${(start + skip).toString(16)}`).toBe(true);
    }
  }
}

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Checks that everything that is said to be untouched is zero, and counts it. */
function countUntouched(opened: Opened, name: string): number {
  const { reader } = opened;
  const index = opened.index(name);
  const pages = opened.block(name).usedLength / PAGE;
  const presence = new Uint8Array(pages);
  reader.readPresence(index, 0, pages, presence);
  const page = new Uint8Array(PAGE);
  let untouched = 0;
  for (const [number, present] of presence.entries()) {
    if (present === 1) continue;
    untouched++;
    reader.readSync(index, number * PAGE, page, 0, PAGE);
    if (page.some((byte) => byte !== 0)) throw new Error(`page ${number} is not zero`);
  }
  return untouched;
}

describe('MemoryReader reads what QEMU itself saves', () => {
  it.each([
    ['pc', ['-machine', 'pc', '-m', '512']],
    ['pc over the PCI hole', ['-machine', 'pc', '-m', '4G', '-vga', 'std']],
    ['q35 over the PCI hole', ['-machine', 'q35', '-m', '4G', '-vga', 'std']],
    ['q35 with OVMF', ['-machine', 'q35', '-m', '512', '-vga', 'std', ...FIRMWARE.ovmf]],
  ])('of %s', async (_what, args) => {
    qemu = await BareQemu.start(...args);
    // Let the firmware work for a moment: it fills memory and moves ROMs.
    await delay(500);
    await qemu.qmp.execute('stop');
    const opened = await open(qemu);
    scribble(opened, 'pc.ram');
    await expectSameAsPmemsave(opened);
  });
});

const backends: [string, string][] = [
  ['anonymous memory', 'memory-backend-ram'],
  ['anonymous memory that is shared', 'memory-backend-ram,share=on'],
  ['a memfd', 'memory-backend-memfd,share=on'],
  ['a shared file', 'memory-backend-file,share=on,mem-path=FOLDER/ram'],
  ['a private file', 'memory-backend-file,share=off,mem-path=FOLDER/ram'],
];

const withBackend = (backend: string): string[] => [
  ...['-machine', 'q35,memory-backend=m', '-m', '256', '-S'],
  ...['-object', `${backend},id=m,size=256M`],
];

describe('MemoryReader on every kind of backend', () => {
  it.each(backends)('reads %s', async (_what, backend) => {
    const opened = await start(...withBackend(backend));
    scribble(opened, 'm');
    await expectSameAsPmemsave(opened);
  });

  it('reads huge pages', async () => {
    await withHugepages(256, async () => {
      const opened = await start(...withBackend('memory-backend-memfd,hugetlb=on,hugetlbsize=2M'));
      try {
        expect(opened.block('m').pageSize).toBe(2 * MiB);
        scribble(opened, 'm');
        await expectSameAsPmemsave(opened);
        expect(countUntouched(opened, 'm')).toBe(0);
      } finally {
        opened.reader.close();
        await opened.qemu.kill();
      }
    });
  });

  it.each(backends)('never takes a page of %s for untouched that is not zero', async (_what, backend) => {
    const opened = await start(...withBackend(backend));
    const touched = scribble(opened, 'm');
    const untouched = countUntouched(opened, 'm');
    const pages = (256 * MiB) / PAGE;
    expect(untouched).toBeLessThanOrEqual(pages - touched.length);
    // Only of private memory is it known; there it must be of use.
    if (backend === 'memory-backend-ram') expect(untouched).toBeGreaterThan(pages * 0.9);
    else expect(untouched).toBe(0);
  });

  it('sees what somebody else wrote into a file that QEMU never touched', async () => {
    const opened = await start(...withBackend('memory-backend-file,share=on,mem-path=FOLDER/ram'));
    const content = randomBytes(PAGE);
    const file = openSync(join(opened.qemu.folder, 'ram'), 'r+');
    writeSync(file, content, 0, PAGE, 200 * MiB);
    closeSync(file);
    const read = new Uint8Array(PAGE);
    opened.reader.readSync(opened.index('m'), 200 * MiB, read, 0, PAGE);
    expect(digest(read)).toBe(digest(content));
  });
});

describe('MemoryReader', () => {
  const small = ['-machine', 'pc', '-m', '64', '-S'] as const;

  it('writes to the asked part of the target only', async () => {
    const opened = await start(...small);
    const target = Buffer.alloc(32, 7);
    opened.reader.readSync(opened.index('pc.ram'), 8 * MiB, target, 8, 16);
    expect(target).toEqual(Buffer.concat([Buffer.alloc(8, 7), Buffer.alloc(16), Buffer.alloc(8, 7)]));
  });

  it('reads nothing beyond a block', async () => {
    const opened = await start(...small);
    const ram = opened.index('pc.ram');
    const read = (index: number, address: number, length: number) => (): void => {
      opened.reader.readSync(index, address, new Uint8Array(2 * PAGE), 0, length);
    };
    expect(read(ram, 64 * MiB - PAGE, PAGE)).not.toThrow();
    expect(read(ram, 64 * MiB - PAGE, PAGE + 1)).toThrow(RangeError);
    expect(read(ram, -1, 1)).toThrow(RangeError);
    expect(read(99, 0, 1)).toThrow(RangeError);
  });

  it('says presence for any part of a block', async () => {
    const opened = await start(...small);
    const touched = scribble(opened, 'pc.ram');
    const presence = new Uint8Array(4);
    opened.reader.readPresence(opened.index('pc.ram'), 299 * PAGE, 4, presence);
    expect(touched.slice(0, 2)).toEqual([300, 301]);
    expect(presence[1]).toBe(1);
    expect(presence[2]).toBe(1);
  });

  it('refuses a process that does not have the blocks', async () => {
    const { layout } = await start(...small);
    expectThrown(() => MemoryReader.open(process.pid, layout.blocks), 'memory-unreadable', 'another process');
  });

  it('says so when there is no memory behind the addresses', async () => {
    const { qemu, layout } = await start(...small);
    // [vvar] is in the map of a process, and cannot be read from outside.
    const vvar = /^([\da-f]+)-.*\[vvar\]$/m.exec(readFileSync(`/proc/${qemu.pid}/maps`, 'latin1'))?.[1];
    const block = { name: 'unplugged', usedLength: PAGE, totalLength: PAGE, pageSize: PAGE, readOnly: false };
    const blocks = [...layout.blocks, { ...block, hostAddress: parseInt(vvar ?? '', 16) }];
    const opened = MemoryReader.open(qemu.pid, blocks);
    try {
      const read = (): void => {
        opened.readSync(layout.blocks.length, 0, new Uint8Array(PAGE), 0, PAGE);
      };
      expectThrown(read, 'memory-unreadable', 'no memory there any more');
    } finally {
      opened.close();
    }
  });

  it('says that QEMU is gone, when opened and when read', async () => {
    const { qemu, reader, layout } = await start(...small);
    await qemu.kill();
    const read = (): void => {
      reader.readSync(0, 0, new Uint8Array(PAGE), 0, PAGE);
    };
    expectThrown(read, 'memory-unreadable', 'QEMU is gone');
    expectThrown(() => MemoryReader.open(qemu.pid, layout.blocks), 'memory-unreadable', 'QEMU is gone');
  });

  it('names the missing permission', async ({ skip }) => {
    if (process.getuid?.() !== 0) skip('only root can give up its rights');
    const { qemu, layout } = await start(...small);
    process.seteuid?.(65_534);
    try {
      expectThrown(() => MemoryReader.open(qemu.pid, layout.blocks), 'memory-unreadable', 'CAP_SYS_PTRACE');
    } finally {
      process.seteuid?.(0);
    }
  });

  it('reads nothing once it is closed', async () => {
    const { reader } = await start(...small);
    reader.close();
    reader.close();
    const read = (): void => {
      reader.readSync(0, 0, new Uint8Array(1), 0, 1);
    };
    expectThrown(read, 'memory-unreadable', 'closed');
  });
});
