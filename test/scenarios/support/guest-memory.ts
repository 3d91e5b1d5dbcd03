import {
  GuestPhysicalMemory,
  MemoryReader,
  QmpClient,
  parsePageTables,
  readRamLayout,
} from '@pageferry/qemu';
import { PageLayout } from '@pageferry/transfer';
import type { Guest } from '../../guests/guest.js';

/** A guest's RAM as the guest sees it: by guest-physical addresses. */
export interface OpenGuestMemory extends Pick<GuestPhysicalMemory, 'ranges' | 'read'> {
  close(): void;
}

export async function openGuestMemory(guest: Guest): Promise<OpenGuestMemory> {
  const qmp = await QmpClient.connect(guest.qmpSocket);
  const { blocks, ranges } = await readRamLayout(qmp);
  qmp.close();
  const reader = MemoryReader.open(guest.pid, blocks);
  const layout = new PageLayout(
    blocks.map(({ name, usedLength, pageSize }) => ({ name, length: usedLength, pageSize })),
  );
  const memory = new GuestPhysicalMemory(reader, layout, ranges);
  return {
    ranges: memory.ranges,
    read(address, target) {
      memory.read(address, target);
    },
    close() {
      reader.close();
    },
  };
}

/** What the processors have in their register CR3. */
export async function registersCr3(guest: Guest): Promise<number[]> {
  return parsePageTables(await guest.monitor.human('info registers -a'));
}
