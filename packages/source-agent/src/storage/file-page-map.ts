import type { FilePages, GuestDisk } from '@pageferry/introspect';
import type { GuestPhysicalMemory } from '@pageferry/qemu';
import { PageSet, type PageLayout } from '@pageferry/transfer';

/** Pages that are sorted at once: reads are no longer than what is named together. */
const CHUNK_PAGES = 65_536;
const SECTOR_BYTES = 512;

/** Pages of one disk, in pieces in which they come in the order of the disk. */
export interface DiskPages {
  readonly disk: GuestDisk;
  /** Page indices. */
  readonly pages: Uint32Array;
  /** Where each of them lies on the disk, bytes. */
  readonly offsets: Float64Array;
}

/** Which of a guest's pages its disks had, when it was looked at. */
export interface FilePageMap {
  readonly disks: readonly DiskPages[];
  /** All of these pages. */
  readonly pages: PageSet;
}

/** @param wanted only these pages are of interest */
export function filePageMap(
  { disks, places, disk: diskOf, offset }: FilePages,
  memory: Pick<GuestPhysicalMemory, 'pages'>,
  layout: PageLayout,
  wanted: PageSet,
): FilePageMap {
  const pages = new PageSet(layout);
  const pageOf = pageIndices(places, memory);
  const counts = new Uint32Array(disks.length);
  for (let index = 0; index < places.length; index++) {
    if (!wanted.has(pageOf[index] ?? 0)) continue;
    const disk = diskOf[index] ?? 0;
    counts[disk] = (counts[disk] ?? 0) + 1;
  }
  const made = disks.map((disk, number) => ({
    disk,
    pages: new Uint32Array(counts[number] ?? 0),
    offsets: new Float64Array(counts[number] ?? 0),
  }));
  counts.fill(0);
  for (let index = 0; index < places.length; index++) {
    const page = pageOf[index] ?? 0;
    const disk = diskOf[index] ?? 0;
    const target = made[disk];
    if (target === undefined || !wanted.has(page)) continue;
    const at = counts[disk] ?? 0;
    target.pages[at] = page;
    target.offsets[at] = offset[index] ?? 0;
    counts[disk] = at + 1;
    pages.add(page);
  }
  for (const disk of made) sortByOffset(disk);
  return { disks: made.filter((disk) => disk.pages.length > 0), pages };
}

/** The page indices of ascending places. */
function pageIndices(
  places: Uint32Array,
  { pages: pieces }: Pick<GuestPhysicalMemory, 'pages'>,
): Uint32Array {
  const indices = new Uint32Array(places.length);
  let at = 0;
  for (const { place, page, count } of pieces) {
    for (; at < places.length && (places[at] ?? 0) < place + count; at++) {
      indices[at] = page + (places[at] ?? 0) - place;
    }
  }
  return indices;
}

/** Sorts numbers only: offset and place in the chunk make one, exact below 64 TiB. */
function sortByOffset({ pages, offsets }: DiskPages): void {
  const keys = new Float64Array(Math.min(CHUNK_PAGES, pages.length));
  for (let start = 0; start < pages.length; start += CHUNK_PAGES) {
    const count = Math.min(CHUNK_PAGES, pages.length - start);
    const before = pages.slice(start, start + count);
    for (let index = 0; index < count; index++) {
      keys[index] = ((offsets[start + index] ?? 0) / SECTOR_BYTES) * CHUNK_PAGES + index;
    }
    const sorted = keys.subarray(0, count).sort();
    for (let index = 0; index < count; index++) {
      const key = sorted[index] ?? 0;
      pages[start + index] = before[key % CHUNK_PAGES] ?? 0;
      offsets[start + index] = Math.floor(key / CHUNK_PAGES) * SECTOR_BYTES;
    }
  }
}
