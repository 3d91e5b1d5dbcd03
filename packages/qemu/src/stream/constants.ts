/**
 * Numbers of QEMU's migration stream. Sources: `migration/savevm.c`, `migration/savevm.h`,
 * `migration/ram.c`, `migration/migration.h`.
 */

export const VM_FILE_MAGIC = 0x5145564d;
export const VM_FILE_VERSION = 3;

export const Section = {
  eof: 0x00,
  start: 0x01,
  part: 0x02,
  end: 0x03,
  full: 0x04,
  vmDescription: 0x06,
  configuration: 0x07,
  command: 0x08,
  footer: 0x7e,
} as const;

export const Command = {
  openReturnPath: 1,
  ping: 2,
  postcopyAdvise: 3,
  postcopyListen: 4,
  postcopyRun: 5,
  postcopyRamDiscard: 6,
  packaged: 7,
  postcopyResume: 9,
  receivedBitmap: 10,
  /** Since 10.0: the guest is stopped, and what follows is its final state. */
  switchoverStart: 11,
} as const;

/** Messages on the return path, from the destination's QEMU to whoever plays the source. */
export const ReturnPathMessage = {
  shut: 1,
  pong: 2,
  requestPagesWithName: 3,
  requestPages: 4,
  receivedBitmap: 5,
  resumeAck: 6,
  switchoverAck: 7,
} as const;

/** Low bits of a RAM record's address. */
export const RamFlag = {
  zero: 0x02,
  memorySize: 0x04,
  page: 0x08,
  endOfSection: 0x10,
  continue: 0x20,
  xbzrle: 0x40,
} as const;

/** Target pages of x86, in bytes; RAM records are always of this size. */
export const TARGET_PAGE_BYTES = 4096;

export const RAM_SECTION_NAME = 'ram';
export const RAM_SECTION_VERSION = 4;
/** `postcopy_ram_discard_version`, `migration/savevm.c` */
export const DISCARD_VERSION = 0;
/** `MAX_DISCARDS_PER_COMMAND`, `migration/postcopy-ram.c`: the receiver takes more, QEMU sends no more. */
export const MAX_DISCARDS_PER_COMMAND = 12;
