import { openGuest, type FilePages } from '@pageferry/introspect';
import { FakeDisks } from './fake-disks.js';
import { addExt4Types, addXfsTypes } from './fake-file-types.js';
import { FakeLinux, FakeMemory, type Series } from './fake-linux.js';

export interface GuestWithDisks {
  readonly memory: FakeMemory;
  readonly linux: FakeLinux;
  readonly disks: FakeDisks;
}

/** A guest whose kernel has ext4 and xfs built in. */
export function guestWithDisks(series: Series): GuestWithDisks {
  const memory = new FakeMemory();
  const linux = new FakeLinux(memory, {
    series,
    addTypes: (types) => {
      addExt4Types(types);
      addXfsTypes(types, series === '6.1' ? 'if_u1' : 'if_data');
    },
  });
  return { memory, linux, disks: new FakeDisks(memory, linux) };
}

/** What the library answers; an error if it does not know the guest. */
export async function mapPages(memory: FakeMemory): Promise<FilePages> {
  const guest = await openGuest(memory);
  const pages = guest.kind === 'linux' ? await guest.classify() : guest;
  if (guest.kind === 'unsupported' || pages.kind === 'unsupported') throw new Error(JSON.stringify(pages));
  const mapped = await guest.mapFilePages(pages);
  if (mapped.kind === 'unsupported') throw new Error(mapped.reason);
  return mapped;
}

/** Each page as `disk+offset`, by its number among all pages. */
export function positions({ disks, places, disk, offset }: FilePages): Record<number, string> {
  return Object.fromEntries(
    [...places].map((place, page) => [
      place,
      `${disks[disk[page] ?? -1]?.name ?? '?'}+${String(offset[page])}`,
    ]),
  );
}

export const noneUnmapped = { filesystem: 0, encoding: 0, noExtent: 0, device: 0, inode: 0 } as const;
