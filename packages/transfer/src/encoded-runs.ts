import type { PageWords } from './page-delta.js';

/** Shorter runs are copied piece by piece: a call would cost more. */
const SHORT_RUN_WORDS = 16;

/** Writes a length below 2^14 in LEB128: seven bits a byte, the low ones first. Answers the offset behind it. */
export function writeLength(target: Buffer, offset: number, length: number): number {
  if (length < 0x80) {
    target[offset] = length;
    return offset + 1;
  }
  target[offset] = (length & 0x7f) | 0x80;
  target[offset + 1] = length >>> 7;
  return offset + 2;
}

/** Writes `words` words of a page, beginning with word `from`. Answers the offset behind them. */
export function writeWords(
  source: PageWords,
  from: number,
  words: number,
  target: Buffer,
  offset: number,
): number {
  const start = source.start + from;
  if (words > SHORT_RUN_WORDS) {
    const { buffer, byteOffset } = source.words;
    target.set(new Uint8Array(buffer, byteOffset + start * 4, words * 4), offset);
    return offset + words * 4;
  }
  let out = offset;
  for (let at = start; at < start + words; at++) out = target.writeInt32LE(source.words[at] ?? 0, out);
  return out;
}
