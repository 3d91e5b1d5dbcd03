/**
 * A recorded trace: gzip over
 *
 * - 8 bytes: `PFDIRTY1`
 * - u32: pages of the guest
 * - u32: looks at the dirty log
 * - for each look: u32 microseconds since the one before, u32 runs of dirtied pages, and for each run, upwards, two
 *   varints: pages between the run before and this one, and pages of this one.
 *
 * Integers are big-endian; a varint has 7 bits a byte, the lowest first, and the top bit set in all bytes but its last.
 */
export const MAGIC = Buffer.from('PFDIRTY1');

/** What a reader accepts, and a writer keeps to. */
export const limits = {
  /** 1 TiB */
  pages: 2 ** 28,
  looks: 2 ** 20,
  /** An hour. */
  microseconds: 3_600_000_000,
  /** Uncompressed. */
  bytes: 512 * 1024 * 1024,
} as const;

export const HEADER_BYTES = MAGIC.length + 8;
export const LOOK_BYTES = 8;
/** Enough for 2^28. */
export const LONGEST_VARINT = 5;
