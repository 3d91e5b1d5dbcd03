import { join } from 'node:path';
import { PageLayout } from '@pageferry/transfer';
import { IncomingSession, type IncomingSessionOptions } from '../../src/incoming/incoming-session.js';
import { describeMachine } from '../../src/machine/describe-machine.js';
import { saveDeviceState } from '../../src/machine/device-state.js';
import { stopGuest } from '../../src/machine/guest-control.js';
import { MemoryReader } from '../../src/memory/memory-reader.js';
import { readRamBlocks } from '../../src/memory/ram-blocks.js';
import { BareQemu } from './bare-qemu.js';

export interface IncomingMachine {
  readonly machine: 'pc' | 'q35';
  /** The destination's RAM is made of pages of 2 MiB. */
  readonly hugepages?: boolean;
}

/** Of the guest's RAM. */
export const MEMORY_MIB = 32;

/** A destination QEMU that waits, and what a source of the same machine has to say to it. */
export class IncomingPair {
  readonly destination: BareQemu;
  readonly machineType: string;
  readonly deviceSections: Buffer;
  /** The RAM blocks of both. */
  readonly layout: PageLayout;
  #session: IncomingSession | undefined;

  private constructor(
    destination: BareQemu,
    machineType: string,
    deviceSections: Buffer,
    layout: PageLayout,
  ) {
    this.destination = destination;
    this.machineType = machineType;
    this.deviceSections = deviceSections;
    this.layout = layout;
  }

  static async start({ machine, hugepages = false }: IncomingMachine): Promise<IncomingPair> {
    const hardware = ['-m', String(MEMORY_MIB), '-vga', 'std', '-smp', '2'];
    const source = await BareQemu.start('-machine', machine, ...hardware, '-S');
    try {
      await stopGuest(source.qmp);
      const { machineType } = await describeMachine(source.qmp);
      const deviceSections = await saveDeviceState(source.qmp, join(source.folder, 'devices'));
      const memory = hugepages
        ? [
            ...['-machine', `${machine},memory-backend=pc.ram`],
            ...['-object', `memory-backend-memfd,id=pc.ram,size=${MEMORY_MIB}M,hugetlb=on,hugetlbsize=2M`],
          ]
        : ['-machine', machine];
      const destination = await BareQemu.start(...memory, ...hardware, '-incoming', 'defer');
      try {
        const blocks = await readRamBlocks(destination.qmp);
        const layout = new PageLayout(
          blocks.map(({ name, usedLength, pageSize }) => ({ name, length: usedLength, pageSize })),
        );
        return new IncomingPair(destination, machineType, deviceSections, layout);
      } catch (thrown) {
        await destination.kill();
        throw thrown;
      }
    } finally {
      await source.kill();
    }
  }

  /** Opens the destination's incoming side: as the source would, or with something wrong. */
  async open(
    options: Partial<IncomingSessionOptions> & Pick<IncomingSessionOptions, 'signal'>,
  ): Promise<IncomingSession> {
    const { destination, machineType, layout } = this;
    this.#session = await IncomingSession.open(destination.qmp, {
      directory: destination.folder,
      machineType,
      blocks: layout.blocks,
      postcopy: false,
      onRequest: () => undefined,
      ...options,
    });
    return this.#session;
  }

  /** Calls `use` with a reader of the destination's memory. */
  async read<T>(use: (reader: MemoryReader) => T): Promise<T> {
    const reader = MemoryReader.open(this.destination.pid, await readRamBlocks(this.destination.qmp));
    try {
      return use(reader);
    } finally {
      reader.close();
    }
  }

  async kill(): Promise<void> {
    this.#session?.close();
    await this.destination.kill();
  }
}
