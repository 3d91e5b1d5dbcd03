import {
  GuestPhysicalMemory,
  MemoryReader,
  QmpClient,
  parsePageTables,
  readRamLayout,
} from '@pageferry/qemu';
import { PageLayout } from '@pageferry/transfer';
import type { Guest } from '../../guests/guest.js';
import type { DifferingPage } from '../../guests/memory-comparison.js';

/** A guest's RAM as the guest sees it: by guest-physical addresses. */
export interface OpenGuestMemory extends Pick<GuestPhysicalMemory, 'ranges' | 'read'> {
  /** Which page it is among all that the guest sees, upwards; -1 if it sees none there. */
  placeOf(page: DifferingPage): number;
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
    placeOf({ block: name, address }) {
      const block = layout.blockNamed(name);
      if (block === undefined) return -1;
      const index = layout.pageIndex(block, address);
      const piece = memory.pages.find(({ page, count }) => index >= page && index < page + count);
      return piece === undefined ? -1 : piece.place + index - piece.page;
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
