import { PageferryError } from '@pageferry/errors';

/*
 * The parts of NBD that reading an image takes: fixed newstyle negotiation, and simple replies. All numbers are
 * big-endian. Source: doc/proto.md of the NBD project.
 *
 *   server: NBDMAGIC IHAVEOPT  flags:16                                        the greeting
 *   client: flags:32                                                           and in the same write:
 *   client: IHAVEOPT option:32 length:32 data                                  NBD_OPT_GO
 *   server: magic:64 option:32 type:32 length:32 data                          NBD_REP_INFO, any number of them
 *   server: magic:64 option:32 type:32 length:32                               NBD_REP_ACK
 *
 *   client: magic:32 flags:16 type:16 handle:64 offset:64 length:32            a request
 *   server: magic:32 error:32 handle:64 data                                   its reply; replies come in any order
 *   client: NBD_CMD_DISC                                                       no reply: the end
 */

/** `NBDMAGIC`, and `IHAVEOPT` */
const GREETING_MAGIC = [0x4e42444d, 0x41474943, 0x49484156, 0x454f5054] as const;
const OPTION_MAGIC = [0x49484156, 0x454f5054] as const;
const OPTION_REPLY_MAGIC = [0x0003e889, 0x045565a9] as const;
const REQUEST_MAGIC = 0x25609513;
export const SIMPLE_REPLY_MAGIC = 0x67446698;

/** The server's flag and the client's: replies to options, also to those that the server does not know. */
const FIXED_NEWSTYLE = 1;
const OPTION_GO = 7;

export const OptionReply = {
  acknowledged: 1,
  information: 3,
  /** From here on: errors. */
  errors: 0x8000_0000,
} as const;

/** `NBD_INFO_EXPORT`: the size and the flags. */
const INFORMATION_EXPORT = 0;
const EXPORT_READ_ONLY = 2;

const COMMAND_READ = 0;
const COMMAND_DISCONNECT = 2;

export const GREETING_BYTES = 18;
export const OPTION_REPLY_HEADER_BYTES = 20;
export const REQUEST_BYTES = 28;
export const REPLY_HEADER_BYTES = 16;
/** Of what a server says about an export; text for people is among it. Longer is refused. */
export const MAX_OPTION_REPLY_BYTES = 8192;
/** A name is at most that long, in bytes. */
const MAX_NAME_BYTES = 4096;

const TWO_TO_32 = 2 ** 32;

/** What a server says of an export. */
export interface NbdExport {
  /** In bytes. */
  readonly size: number;
  readonly readOnly: boolean;
}

/** Checks what a server says first. @throws `storage-unreadable` */
export function checkGreeting(greeting: Buffer): void {
  if (GREETING_MAGIC.some((word, index) => greeting.readUInt32BE(4 * index) !== word)) {
    throw brokenProtocol('no greeting of fixed newstyle negotiation');
  }
  if ((greeting.readUInt16BE(16) & FIXED_NEWSTYLE) === 0) {
    throw brokenProtocol('a greeting without fixed newstyle negotiation, which QEMU has had since 2.6');
  }
}

/** The answer to a greeting: the client's flags, and the wish to go on with this export. */
export function encodeGo(exportName: string): Buffer {
  const name = Buffer.from(exportName);
  if (name.length > MAX_NAME_BYTES) throw new RangeError(`an export's name of ${name.length} bytes`);
  const answer = Buffer.alloc(4 + 16 + 4 + name.length + 2);
  answer.writeUInt32BE(FIXED_NEWSTYLE, 0);
  OPTION_MAGIC.forEach((word, index) => answer.writeUInt32BE(word, 4 + 4 * index));
  answer.writeUInt32BE(OPTION_GO, 12);
  answer.writeUInt32BE(answer.length - 20, 16);
  answer.writeUInt32BE(name.length, 20);
  name.copy(answer, 24);
  // The last field, 0, is the number of further wishes. Without that for block sizes the server aligns reads by itself.
  return answer;
}

/** Checks the header of a reply to an option; returns its type and the length of what follows, in bytes. */
export function parseOptionReply(header: Buffer): { readonly type: number; readonly length: number } {
  if (OPTION_REPLY_MAGIC.some((word, index) => header.readUInt32BE(4 * index) !== word)) {
    throw brokenProtocol('a reply to an option with a wrong magic number');
  }
  if (header.readUInt32BE(8) !== OPTION_GO) throw brokenProtocol('a reply to an option that was not sent');
  const length = header.readUInt32BE(16);
  if (length > MAX_OPTION_REPLY_BYTES) throw brokenProtocol(`a reply to an option of ${length} bytes`);
  return { type: header.readUInt32BE(12), length };
}

/** What information about an export says; undefined if it is not about its size. */
export function parseInformation(data: Buffer): NbdExport | undefined {
  if (data.length < 2) throw brokenProtocol('information without a type');
  if (data.readUInt16BE(0) !== INFORMATION_EXPORT) return undefined;
  if (data.length !== 12) throw brokenProtocol(`information about an export of ${data.length} bytes`);
  const size = data.readUInt32BE(2) * TWO_TO_32 + data.readUInt32BE(6);
  if (!Number.isSafeInteger(size)) throw brokenProtocol(`an export of ${size} bytes`);
  return { size, readOnly: (data.readUInt16BE(10) & EXPORT_READ_ONLY) !== 0 };
}

/** What a request to read asks for: `length` bytes at `offset`. */
export interface ReadRequest {
  /** 32 bits each; both come back in the reply. */
  readonly turn: number;
  readonly slot: number;
  readonly offset: number;
  readonly length: number;
}

/** Writes a request of {@link REQUEST_BYTES}. */
export function encodeRead(target: Buffer, { turn, slot, offset, length }: ReadRequest): void {
  target.writeUInt32BE(REQUEST_MAGIC, 0);
  target.writeUInt32BE(COMMAND_READ, 4);
  target.writeUInt32BE(turn, 8);
  target.writeUInt32BE(slot, 12);
  target.writeUInt32BE(Math.floor(offset / TWO_TO_32), 16);
  target.writeUInt32BE(offset % TWO_TO_32, 20);
  target.writeUInt32BE(length, 24);
}

/** What ends a connection in order. */
export function encodeDisconnect(): Buffer {
  const request = Buffer.alloc(REQUEST_BYTES);
  request.writeUInt32BE(REQUEST_MAGIC, 0);
  request.writeUInt32BE(COMMAND_DISCONNECT, 4);
  return request;
}

/** What a server gives as the cause of an error: it uses Linux's numbers on every system. */
export function nameOfError(error: number): string {
  switch (error) {
    case 1:
      return 'not permitted (EPERM)';
    case 5:
      return 'input/output error (EIO)';
    case 12:
      return 'no memory (ENOMEM)';
    case 22:
      return 'invalid argument (EINVAL)';
    case 75:
      return 'too long (EOVERFLOW)';
    case 95:
      return 'not supported (ENOTSUP)';
    case 108:
      return 'the server is ending (ESHUTDOWN)';
    default:
      return `error ${error}`;
  }
}

export function brokenProtocol(what: string): PageferryError {
  return new PageferryError('storage-unreadable', `the NBD server sent ${what}`);
}
