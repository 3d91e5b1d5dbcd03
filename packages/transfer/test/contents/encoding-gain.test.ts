import { describe, expect, it } from 'vitest';
import { EncodingGain, PAGE_SIZE } from '../../src/index.js';

const PAGES = 64;
const MB = 1_000_000;

/** Looks at batches; answers how many of them were tried. */
function send(
  gain: EncodingGain,
  batches: number,
  link: number | undefined,
  sparedShare: number,
  msPerPage: number,
  pages = PAGES,
): number {
  let tried = 0;
  for (let batch = 0; batch < batches; batch++) {
    if (!gain.shouldTry(link)) continue;
    tried++;
    gain.tried(pages, pages * PAGE_SIZE * sparedShare, pages * msPerPage);
  }
  return tried;
}

describe('looking for shorter encodings', () => {
  it('is tried while the link is not known, whatever it spares', () => {
    const gain = new EncodingGain();
    expect(gain.standing).toEqual({
      pays: true,
      sparedShare: undefined,
      msPerPage: undefined,
      linkBytesPerSecond: undefined,
    });
    expect(send(gain, 100, undefined, 0, 0.01)).toBe(100);
  });

  it('goes on while the link would need longer for what is spared', () => {
    const gain = new EncodingGain();
    // A page takes 40.96 us on this link.
    expect(send(gain, 1000, 100 * MB, 0.5, 0.01)).toBe(1000);
    expect(gain.standing.sparedShare).toBeCloseTo(0.5);
    expect(gain.standing.msPerPage).toBeCloseTo(0.01);
    expect(gain.standing).toMatchObject({ pays: true, linkBytesPerSecond: 100 * MB });
  });

  it('stays off where nothing is spared, and is tried ever more rarely', () => {
    const gain = new EncodingGain();
    const first = send(gain, 1000, 100 * MB, 0, 0.003);
    const second = send(gain, 1000, 100 * MB, 0, 0.003);
    expect(first).toBeLessThan(40);
    expect(second).toBeLessThan(first);
    expect(second).toBeGreaterThan(0);
    expect(gain.standing).toMatchObject({ pays: false, sparedShare: 0 });
  });

  it('is off on a link that carries the pages sooner than they are looked at', () => {
    expect(send(new EncodingGain(), 1000, 2000 * MB, 0.9, 0.003)).toBeLessThan(40);
  });

  it('goes off when the content changes, and comes back with it', () => {
    const gain = new EncodingGain();
    send(gain, 100, 100 * MB, 0.5, 0.01);
    expect(send(gain, 1000, 100 * MB, 0, 0.01)).toBeLessThan(60);
    expect(gain.standing.pays).toBe(false);
    expect(send(gain, 1000, 100 * MB, 0.5, 0.01)).toBeGreaterThan(900);
    expect(gain.standing.pays).toBe(true);
  });

  it('goes off when the link becomes faster', () => {
    const gain = new EncodingGain();
    send(gain, 100, 100 * MB, 0.5, 0.01);
    expect(send(gain, 100, 2000 * MB, 0.5, 0.01)).toBeLessThan(10);
  });

  it('stays as it is when it pays neither clearly nor clearly not', () => {
    // The link needs 1.3 times as long for what is spared.
    const share = (0.01 * 1.3) / 40.96e-3;
    const on = new EncodingGain();
    send(on, 100, 100 * MB, 0.9, 0.01);
    expect(send(on, 1000, 100 * MB, share, 0.01)).toBe(1000);
    const off = new EncodingGain();
    send(off, 100, 100 * MB, 0, 0.01);
    expect(send(off, 1000, 100 * MB, share, 0.01)).toBeLessThan(40);
  });

  it('stays on when a batch had to wait for a processor', () => {
    const gain = new EncodingGain();
    send(gain, 100, 100 * MB, 0.9, 0.01);
    send(gain, 1, 100 * MB, 0.9, 1);
    expect(send(gain, 10, 100 * MB, 0.9, 0.01)).toBe(10);
    expect(send(gain, 100, 100 * MB, 0.9, 1)).toBeLessThan(20);
  });

  it('believes a look that was faster than those before, as its code becomes', () => {
    const gain = new EncodingGain();
    send(gain, 1, 100 * MB, 0.5, 1);
    expect(send(gain, 100, 100 * MB, 0.5, 0.003)).toBeGreaterThan(90);
  });

  it('does not give up after a few pages', () => {
    const gain = new EncodingGain();
    send(gain, 100, 100 * MB, 0.9, 0.01);
    expect(send(gain, 8, 100 * MB, 0, 0.01, 2)).toBe(8);
    expect(send(gain, 100, 100 * MB, 0.9, 0.01)).toBe(100);
    gain.tried(0, 0, 5);
    expect(gain.standing.sparedShare).toBeCloseTo(0.9, 1);
  });
});
