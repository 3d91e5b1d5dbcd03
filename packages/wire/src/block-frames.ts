import { PageferryError } from '@pageferry/errors';
import { HEADER_BYTES, PAGE_BYTES, type FrameHeader } from './frame-header.js';
import { badAddress, checkRunsFrame, isPageAddress, readAddress, writeAddress } from './page-frames.js';

/** In a `blocks` frame, after its header: u32 disk, u32 number of the batch. */
const BATCH_BYTES = 8;
/** One record of a `blocks` frame: u64 page address, u64 offset on the disk in bytes, u64 xxHash64 of the page. */
export const BLOCK_RECORD_BYTES = 24;
/** Pages that one `blocks` frame may name. */
export const MAX_BLOCK_RECORDS = 256;
/** Pages that a destination may be told to restore and has not yet settled. */
export const MAX_UNSETTLED_PAGES = 32_768;
/** The seed of the hashes in `blocks` frames. */
export const BLOCK_HASH_SEED = 0n;
/** Disks have whole sectors of so many bytes. */
const SECTOR_BYTES = 512;

/** Bytes of a `blocks` frame with `count` records. */
export const blocksFrameBytes = (count: number): number =>
  HEADER_BYTES + BATCH_BYTES + count * BLOCK_RECORD_BYTES;

/** @param disk by its place in what `prepared` says of disks */
export function writeBatch(frame: Buffer, disk: number, batch: number): void {
  frame.writeUInt32BE(disk, HEADER_BYTES);
  frame.writeUInt32BE(batch, HEADER_BYTES + 4);
}

export function writeBlockRecord(
  frame: Buffer,
  index: number,
  address: number,
  offset: number,
  hash: bigint,
): void {
  const at = blocksFrameBytes(index);
  writeAddress(frame, at, address);
  writeAddress(frame, at + 8, offset);
  frame.writeBigUInt64BE(hash, at + 16);
}

export const batchDisk = (frame: Buffer): number => frame.readUInt32BE(HEADER_BYTES);
export const batchNumber = (frame: Buffer): number => frame.readUInt32BE(HEADER_BYTES + 4);
export const blockPageAddress = (frame: Buffer, index: number): number =>
  readAddress(frame, blocksFrameBytes(index));
export const blockOffset = (frame: Buffer, index: number): number =>
  readAddress(frame, blocksFrameBytes(index) + 8);
export const blockHash = (frame: Buffer, index: number): bigint =>
  frame.readBigUInt64BE(blocksFrameBytes(index) + 16);

/**
 * Checks a `blocks` frame against the length (bytes) of its RAM block and the lengths (bytes) of the disks that were agreed on.
 * Error: `protocol-violation`.
 */
export function checkBlocksFrame(
  frame: Buffer,
  { count }: FrameHeader,
  blockLength: number,
  diskLengths: readonly number[],
): void {
  if (count === 0 || count > MAX_BLOCK_RECORDS || frame.length !== blocksFrameBytes(count)) {
    throw new PageferryError(
      'protocol-violation',
      `a frame of ${frame.length} bytes says that it names ${count} blocks`,
    );
  }
  const diskLength = diskLengths[batchDisk(frame)];
  if (diskLength === undefined) {
    throw new PageferryError(
      'protocol-violation',
      `a frame names the disk ${batchDisk(frame)} of ${diskLengths.length}`,
    );
  }
  for (let index = 0; index < count; index++) {
    const address = blockPageAddress(frame, index);
    if (!isPageAddress(frame, blocksFrameBytes(index)) || address >= blockLength)
      throw badAddress(address, blockLength);
    const offset = blockOffset(frame, index);
    if (offset % SECTOR_BYTES !== 0 || offset + PAGE_BYTES > diskLength) {
      throw new PageferryError(
        'protocol-violation',
        `a frame names the offset ${offset} on a disk of ${diskLength} bytes`,
      );
    }
  }
}

/** Checks a `settled` frame against the length (bytes) of its RAM block; it may be without runs. Error: `protocol-violation`. */
export function checkSettledFrame(frame: Buffer, header: FrameHeader, blockLength: number): void {
  if (header.count > 0 || frame.length !== HEADER_BYTES) checkRunsFrame(frame, header, blockLength);
}
