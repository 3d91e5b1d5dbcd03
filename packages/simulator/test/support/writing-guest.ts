import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished, vi } from 'vitest';
import { humanMonitor } from '../../../qemu/src/qmp/human-monitor.js';
import { BareQemu } from '../../../qemu/test/support/bare-qemu.js';

const FIRST_PAGE = 0x20;
/** The pages that the guest writes for ever: from 128 KiB on. */
export const WRITTEN_PAGES = Array.from({ length: 16 }, (_, page) => FIRST_PAGE + page);

/** A boot sector that adds 1 to the first word of each page of a segment, again and again. */
const PROGRAM = Buffer.from([
  ...[0xb8, 0x00, 0x20], // mov ax, 0x2000
  ...[0x8e, 0xd8], // mov ds, ax
  ...[0x31, 0xdb], // xor bx, bx
  ...[0xff, 0x07], // again: inc word [bx]
  ...[0x81, 0xc3, 0x00, 0x10], // add bx, 0x1000
  ...[0xeb, 0xf8], // jmp again
]);

/** A guest that writes the same few pages again and again. */
export interface WritingGuest {
  readonly qemu: BareQemu;
  /** For the recorder. */
  readonly qmpSocket: string;
  /** Of this test's own. */
  readonly directory: string;
  /** Resolves when the guest goes on writing. */
  readonly writesOn: () => Promise<void>;
}

export async function startWritingGuest(): Promise<WritingGuest> {
  const directory = await mkdtemp(join(tmpdir(), 'pageferry-recorded-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const disk = join(directory, 'disk');
  const sector = Buffer.alloc(512);
  PROGRAM.copy(sector);
  sector.writeUInt16LE(0xaa55, 510);
  await writeFile(disk, sector);
  const qmpSocket = join(directory, 'sock');
  const qemu = await BareQemu.start(
    ...['-machine', 'pc', '-m', '32', '-drive', `file=${disk},format=raw`],
    ...['-qmp', `unix:${qmpSocket},server=on,wait=off`],
  );
  onTestFinished(() => qemu.kill());
  const word = (): Promise<string> => humanMonitor(qemu.qmp, `xp /1hx ${FIRST_PAGE * 4096}`);
  const writesOn = async (): Promise<void> => {
    const before = await word();
    await vi.waitUntil(async () => (await word()) !== before, { timeout: 20_000 });
  };
  await writesOn();
  return { qemu, qmpSocket, directory, writesOn };
}
