import { open } from 'node:fs/promises';
import { crc32 } from 'node:zlib';

export type PartitionTable = 'mbr' | 'gpt';

const sectorBytes = 512;
const mebibyte = 1024 * 1024;
/** Where the first partition begins unless said otherwise; before it lies the table, behind it the copy that a GPT has. */
export const firstPartitionBytes = mebibyte;

const linux = 0x83;
const protective = 0xee;
/** Of the UEFI specification: version 1.0, and the sizes that are usual. */
const gpt = { revision: 0x0001_0000, headerBytes: 92, entries: 128, entryBytes: 128 } as const;
/** "Linux filesystem data", 0FC63DAF-8483-4772-8E79-3D69D8477DE4; as GUIDs are stored, the first three parts little-endian. */
const linuxData = Buffer.from('af3dc60f838472478e793d69d8477de4', 'hex');
// Any others would do: one disk, one partition.
const diskGuid = Buffer.from('11111111111111111111111111111111', 'hex');
const partitionGuid = Buffer.from('22222222222222222222222222222222', 'hex');

/**
 * Writes an image of whole MiB, all zeroes but for a table with one partition of so many bytes, and room for it.
 * @param start where the partition begins, in bytes
 */
export async function writePartitionTable(
  path: string,
  table: PartitionTable,
  partitionBytes: number,
  start = firstPartitionBytes,
): Promise<void> {
  const diskBytes = (Math.ceil((start + partitionBytes) / mebibyte) + 1) * mebibyte;
  const file = await open(path, 'w');
  try {
    await file.truncate(diskBytes);
    if (table === 'mbr') {
      await file.write(
        bootRecord(linux, start / sectorBytes, partitionBytes / sectorBytes),
        0,
        sectorBytes,
        0,
      );
      return;
    }
    const lastSector = diskBytes / sectorBytes - 1;
    await file.write(bootRecord(protective, 1, lastSector), 0, sectorBytes, 0);
    const entries = gptEntries(start, partitionBytes);
    const entrySectors = entries.length / sectorBytes;
    const copies = [
      { own: 1, other: lastSector, entriesAt: 2 },
      { own: lastSector, other: 1, entriesAt: lastSector - entrySectors },
    ];
    for (const { own, other, entriesAt } of copies) {
      const usable = [2 + entrySectors, lastSector - entrySectors - 1] as const;
      const header = gptHeader(own, other, entriesAt, usable, crc32(entries));
      await file.write(entries, 0, entries.length, entriesAt * sectorBytes);
      await file.write(header, 0, header.length, own * sectorBytes);
    }
  } finally {
    await file.close();
  }
}

/** The first sector of a disk, with one partition; in sectors. */
function bootRecord(type: number, first: number, count: number): Buffer {
  const sector = Buffer.alloc(sectorBytes);
  const entry = 446;
  sector.writeUInt8(type, entry + 4);
  sector.writeUInt32LE(first, entry + 8);
  sector.writeUInt32LE(count, entry + 12);
  sector.writeUInt16LE(0xaa55, 510);
  return sector;
}

function gptEntries(start: number, partitionBytes: number): Buffer {
  const entries = Buffer.alloc(gpt.entries * gpt.entryBytes);
  const first = start / sectorBytes;
  linuxData.copy(entries, 0);
  partitionGuid.copy(entries, 16);
  entries.writeBigUInt64LE(BigInt(first), 32);
  entries.writeBigUInt64LE(BigInt(first + partitionBytes / sectorBytes - 1), 40);
  return entries;
}

function gptHeader(
  own: number,
  other: number,
  entriesAt: number,
  usable: readonly [first: number, last: number],
  entriesChecksum: number,
): Buffer {
  const header = Buffer.alloc(gpt.headerBytes);
  header.write('EFI PART', 0, 'latin1');
  header.writeUInt32LE(gpt.revision, 8);
  header.writeUInt32LE(gpt.headerBytes, 12);
  header.writeBigUInt64LE(BigInt(own), 24);
  header.writeBigUInt64LE(BigInt(other), 32);
  header.writeBigUInt64LE(BigInt(usable[0]), 40);
  header.writeBigUInt64LE(BigInt(usable[1]), 48);
  diskGuid.copy(header, 56);
  header.writeBigUInt64LE(BigInt(entriesAt), 72);
  header.writeUInt32LE(gpt.entries, 80);
  header.writeUInt32LE(gpt.entryBytes, 84);
  header.writeUInt32LE(entriesChecksum, 88);
  // Of the header with zero in its place.
  header.writeUInt32LE(crc32(header), 16);
  return header;
}
