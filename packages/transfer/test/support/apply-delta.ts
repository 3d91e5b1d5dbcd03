import { PAGE_SIZE } from '../../src/page-layout.js';

/** What QEMU's decoder does with a delta, and what it refuses (`xbzrle_decode_buffer`, `migration/xbzrle.c`). */
export function applyDelta(page: Buffer, delta: Buffer): void {
  let at = 0;
  let place = 0;
  const length = (): number => {
    const low = delta.readUInt8(at++);
    return low < 0x80 ? low : (low & 0x7f) | (delta.readUInt8(at++) << 7);
  };
  while (at < delta.length) {
    const begun = at;
    const same = length();
    if (begun > 0 && same === 0) throw new Error('an empty run of what is the same');
    place += same;
    const changed = length();
    if (changed === 0 || place + changed > PAGE_SIZE) throw new Error('a run that does not fit');
    delta.copy(page, place, at, at + changed);
    place += changed;
    at += changed;
  }
}
