import { PAGE_SIZE } from '@pageferry/transfer';

/** A block is as long as a page of the guest's page cache, bytes. */
export const BLOCK_BYTES = PAGE_SIZE;
/** Disks are made of sectors: all places are multiples of their length, bytes. */
export const SECTOR_BYTES = 512;

/** Places of blocks in an image, each with an id that is the caller's: `count` of them, in any order. */
export interface BlockPlaces {
  /** In bytes. */
  readonly offsets: Float64Array;
  readonly ids: Uint32Array;
  readonly count: number;
}

/**
 * Tells blocks that are whole within an image from those that are not, or that begin within a sector.
 * @param size of the image, in bytes
 * @returns `outside`: ids
 */
export function sortOutPlaces(
  places: BlockPlaces,
  size: number,
): { readonly inside: BlockPlaces; readonly outside: readonly number[] } {
  const { offsets, ids, count } = places;
  const isInside = (index: number): boolean => {
    const offset = offsets[index] ?? NaN;
    return offset >= 0 && offset <= size - BLOCK_BYTES && Number.isInteger(offset / SECTOR_BYTES);
  };
  let first = 0;
  while (first < count && isInside(first)) first++;
  if (first === count) return { inside: places, outside: [] };

  const inside = { offsets: new Float64Array(count), ids: new Uint32Array(count), count: 0 };
  const outside: number[] = [];
  for (let index = 0; index < count; index++) {
    const id = ids[index] ?? 0;
    if (!isInside(index)) {
      outside.push(id);
      continue;
    }
    inside.offsets[inside.count] = offsets[index] ?? 0;
    inside.ids[inside.count++] = id;
  }
  return { inside, outside };
}
