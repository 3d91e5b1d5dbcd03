import { PAGE_SIZE } from '../page-layout.js';

const WORD = 4;
const WORDS = PAGE_SIZE / WORD;
/** Shorter runs are copied byte by byte: a call would cost more. */
const SHORT_RUN = 64;

/**
 * Makes a page out of a content and a patch, as `encodePagePatch` describes it. Safe against any bytes: it reads only the
 * content and the patch, and writes only the page.
 * @param beforeOffset where the content's 4096 bytes begin
 * @param length bytes of the patch
 * @param target gets the page's 4096 bytes; must not overlap the content
 * @returns false if the patch is malformed or does not make exactly one page; what is in `target` then is of no use
 */
export function applyPagePatch(
  before: Buffer,
  beforeOffset: number,
  patch: Buffer,
  patchOffset: number,
  length: number,
  target: Buffer,
  targetOffset: number,
): boolean {
  const whole =
    lies(before, beforeOffset, PAGE_SIZE) &&
    lies(patch, patchOffset, length) &&
    lies(target, targetOffset, PAGE_SIZE);
  if (!whole) return false;
  // Most of what is copied stays where it is: one call brings all of it.
  before.copy(target, targetOffset, beforeOffset, beforeOffset + PAGE_SIZE);
  const end = patchOffset + length;
  let at = patchOffset;
  let made = 0;
  let shift = 0;
  for (;;) {
    const step = readLength(patch, at, end);
    if (step === -1) return false;
    at += widthOf(step);
    const copied = step >>> 1;
    if ((step & 1) === 1) {
      const place = readLength(patch, at, end);
      if (place === -1) return false;
      at += widthOf(place);
      shift = place - made;
    }
    const source = made + shift;
    if (source + copied > WORDS || made + copied > WORDS) return false;
    if (shift !== 0) {
      copyBytes(before, beforeOffset + source * WORD, copied * WORD, target, targetOffset + made * WORD);
    }
    made += copied;
    if (made === WORDS) return at === end;

    const literal = readLength(patch, at, end);
    if (literal === -1) return false;
    at += widthOf(literal);
    if (made + literal > WORDS || at + literal * WORD > end) return false;
    copyBytes(patch, at, literal * WORD, target, targetOffset + made * WORD);
    at += literal * WORD;
    made += literal;
    if (made === WORDS) return at === end;
  }
}

function lies(buffer: Buffer, offset: number, length: number): boolean {
  return (
    Number.isSafeInteger(offset) &&
    Number.isSafeInteger(length) &&
    offset >= 0 &&
    length >= 0 &&
    offset + length <= buffer.length
  );
}

/** A number below 2^14 in LEB128; -1 if it is not there, is larger, or could have been shorter. */
function readLength(patch: Buffer, at: number, end: number): number {
  if (at >= end) return -1;
  const low = patch[at] ?? 0;
  if (low < 0x80) return low;
  if (at + 1 >= end) return -1;
  const high = patch[at + 1] ?? 0;
  return high === 0 || high >= 0x80 ? -1 : (low & 0x7f) | (high << 7);
}

function widthOf(length: number): number {
  return length < 0x80 ? 1 : 2;
}

function copyBytes(source: Buffer, from: number, length: number, target: Buffer, to: number): void {
  if (length > SHORT_RUN) {
    source.copy(target, to, from, from + length);
    return;
  }
  for (let at = 0; at < length; at++) target[to + at] = source[from + at] ?? 0;
}
