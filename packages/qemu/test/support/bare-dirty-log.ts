import { randomBytes } from 'node:crypto';
import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { PageLayout, PageSet } from '@pageferry/transfer';
import { DirtyLog } from '../../src/dirty-log/dirty-log.js';
import { readRamBlocks } from '../../src/memory/ram-blocks.js';
import { BareQemu } from './bare-qemu.js';
import { QtestMemory } from './qtest-memory.js';

/** Of the guest's RAM that is not zero: many times what sockets hold, bytes. */
const NOISE_BYTES = 16 * 2 ** 20;

/** A QEMU that runs its firmware, and what its dirty log needs. */
export class BareDirtyLog {
  readonly qemu: BareQemu;
  readonly layout: PageLayout;
  readonly changed: PageSet;
  readonly #logs: DirtyLog[] = [];
  readonly #memories: QtestMemory[] = [];

  private constructor(qemu: BareQemu, layout: PageLayout) {
    this.qemu = qemu;
    this.layout = layout;
    this.changed = new PageSet(layout);
  }

  static async start(): Promise<BareDirtyLog> {
    const qemu = await BareQemu.start(
      ...['-machine', 'pc', '-m', '64', '-vga', 'std'],
      ...['-qtest', 'unix:FOLDER/qtest,server=on,wait=off', '-qtest-log', 'none'],
    );
    const blocks = await readRamBlocks(qemu.qmp);
    const ram = blocks.find(({ name }) => name === 'pc.ram');
    if (ram === undefined) throw new Error('there is no pc.ram');
    const memory = openSync(`/proc/${qemu.pid}/mem`, 'r+');
    // Where the firmware has nothing.
    writeSync(memory, randomBytes(NOISE_BYTES), 0, NOISE_BYTES, ram.hostAddress + NOISE_BYTES);
    closeSync(memory);
    const layout = new PageLayout(
      blocks.map(({ name, usedLength, pageSize }) => ({ name, length: usedLength, pageSize })),
    );
    return new BareDirtyLog(qemu, layout);
  }

  async connectMemory(): Promise<QtestMemory> {
    const memory = await QtestMemory.connect(join(this.qemu.folder, 'qtest'));
    this.#memories.push(memory);
    return memory;
  }

  /** The number in the layout of a page that the guest knows by its physical address, below 640 KiB. */
  pageOfRam(page: number): number {
    return (this.layout.blockNamed('pc.ram')?.firstPage ?? 0) + page;
  }

  async open(signal: AbortSignal): Promise<DirtyLog> {
    const { qmp, folder: directory } = this.qemu;
    const log = await DirtyLog.open(qmp, this.layout, { directory, signal });
    this.#logs.push(log);
    return log;
  }

  /**
   * Reads the first pass and forgets it. `onChunk` is called after each chunk; what it answers is whether the rest is
   * not wanted.
   */
  async readFirstPass(
    log: DirtyLog,
    signal: AbortSignal,
    onChunk: (chunks: number) => boolean = () => false,
  ): Promise<void> {
    let chunks = 0;
    const sink = {
      target: Buffer.alloc(0),
      page: () => -1,
      zero: () => undefined,
      ready: () => undefined,
      enough: () => onChunk(++chunks),
    };
    await log.readFirstPass(sink, this.changed, signal);
  }

  async kill(): Promise<void> {
    for (const memory of this.#memories) memory.close();
    await this.qemu.kill();
    await Promise.allSettled(this.#logs.map((log) => log.giveUp()));
  }
}
