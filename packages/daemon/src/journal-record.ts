import { crc32 } from 'node:zlib';

/** What a journal file holds. */
export interface JournalContent {
  readonly records: readonly unknown[];
  /** Bytes that the records take, from the start of the file. */
  readonly length: number;
  /** Whether the last record was cut off by a crash while it was written. It was never acknowledged. */
  readonly tornTail: boolean;
  /**
   * Whether something other than the last line is broken: acknowledged records after `length` are lost. No
   * crash of ours does that.
   */
  readonly damaged: boolean;
}

const NEWLINE = 0x0a;
const CHECKSUM_DIGITS = 8;

/** A record as one line: checksum in hexadecimal, a space, JSON. */
export function encodeRecord(record: object): Buffer {
  const json = JSON.stringify(record);
  return Buffer.from(`${checksum(json)} ${json}\n`);
}

/** Reads the records up to the first line that is not whole. */
export function decodeRecords(file: Buffer): JournalContent {
  const records: unknown[] = [];
  let length = 0;
  while (length < file.length) {
    const newline = file.indexOf(NEWLINE, length);
    const end = newline === -1 ? file.length : newline;
    const record = newline === -1 ? undefined : decodeLine(file.toString('utf8', length, end));
    if (record === undefined) {
      const isLast = end + 1 >= file.length;
      return { records, length, tornTail: isLast, damaged: !isLast };
    }
    records.push(record.value);
    length = end + 1;
  }
  return { records, length, tornTail: false, damaged: false };
}

function decodeLine(line: string): { value: unknown } | undefined {
  const json = line.slice(CHECKSUM_DIGITS + 1);
  if (line !== `${checksum(json)} ${json}`) return undefined;
  try {
    return { value: JSON.parse(json) };
  } catch {
    return undefined;
  }
}

function checksum(json: string): string {
  return crc32(json).toString(16).padStart(CHECKSUM_DIGITS, '0');
}
