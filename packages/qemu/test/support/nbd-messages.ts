import { ByteWriter } from '../../src/stream/byte-writer.js';

/** What an NBD server says, and what it hears. */

export const OPTION_GO = 7;
export const REPLY_ACKNOWLEDGED = 1;
export const REPLY_INFORMATION = 3;

export interface Handle {
  readonly turn: number;
  readonly slot: number;
}

export interface ReceivedRead extends Handle {
  readonly offset: number;
  readonly length: number;
}

export function greeting(flags = 3): Buffer {
  return new ByteWriter().bytes(Buffer.from('NBDMAGICIHAVEOPT')).u16(flags).toBuffer();
}

export function optionReply(
  type: number,
  data: Uint8Array = new Uint8Array(0),
  option: number = OPTION_GO,
): Buffer {
  const magic = Buffer.from('0003e889045565a9', 'hex');
  return new ByteWriter().bytes(magic).u32(option).u32(type).u32(data.length).bytes(data).toBuffer();
}

/** Says the size of an export, in bytes, and that it is read-only. */
export function exportInformation(size: number, flags = 3): Buffer {
  return optionReply(REPLY_INFORMATION, new ByteWriter().u16(0).u64(size).u16(flags).toBuffer());
}

/** All that a server says before the first request. */
export function negotiation(size: number): Buffer {
  return Buffer.concat([greeting(), exportInformation(size), optionReply(REPLY_ACKNOWLEDGED)]);
}

export function simpleReply({ turn, slot }: Handle, data: Uint8Array, error = 0): Buffer {
  return new ByteWriter().u32(0x67446698).u32(error).u32(turn).u32(slot).bytes(data).toBuffer();
}
