const SAMPLES = 128;
/** Of 128 random bytes 101 are different, give or take four; of text, code and tables far fewer. */
const MOST_DIFFERENT = 82;

/** When each byte was last seen: the number of the look. */
const seen = new Uint32Array(256);
let look = 0;

/**
 * Whether a compressor is likely to make `length` bytes from `start` on smaller. It looks at 128 of them, which costs a
 * thousandth of trying.
 */
export function looksCompressible(bytes: Uint8Array, start: number, length: number): boolean {
  // Odd, so that it does not meet the same field of each record.
  const step = Math.max(Math.floor(length / SAMPLES) - 1, 0) | 1;
  const end = start + Math.min(length, SAMPLES * step);
  look = (look + 1) >>> 0;
  if (look === 0) {
    seen.fill(0);
    look = 1;
  }
  let different = 0;
  for (let at = start; at < end; at += step) {
    const byte = bytes[at] ?? 0;
    if (seen[byte] === look) continue;
    seen[byte] = look;
    different++;
  }
  return different <= MOST_DIFFERENT;
}
