/** Number of bits set in a 32-bit word. */
export function popcount(word: number): number {
  const pairs = word - ((word >>> 1) & 0x55555555);
  const nibbles = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((nibbles + (nibbles >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** Position of the lowest bit set in a 32-bit word that is not zero. */
export function lowestBit(word: number): number {
  return 31 - Math.clz32(word & -word);
}

/** Position of the highest bit set in a 32-bit word that is not zero. */
export function highestBit(word: number): number {
  return 31 - Math.clz32(word);
}

/** The bits at `position` (0 to 31) and above. */
export function bitsFrom(position: number): number {
  return -1 << position;
}

/** The bits at `position` (0 to 31) and below. */
export function bitsUpTo(position: number): number {
  return -1 >>> (31 - position);
}
