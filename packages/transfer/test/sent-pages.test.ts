import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PAGE_SIZE, SentPages, type PageWords } from '../src/index.js';

const WORDS = PAGE_SIZE / 4;
const mark = (copy: PageWords | undefined, value: number): void => {
  copy?.words.fill(value, copy.start, copy.start + WORDS);
};
const readMark = (copy: PageWords | undefined): number | undefined => copy?.words[copy.start + WORDS - 1];

describe('the pages sent before', () => {
  it('finds a page as it was kept, and nothing that was not', () => {
    const sent = new SentPages(64 * PAGE_SIZE);
    expect(sent.find(3)).toBeUndefined();
    mark(sent.add(3), 33);
    mark(sent.add(1000), 44);
    expect(readMark(sent.find(3))).toBe(33);
    expect(readMark(sent.find(1000))).toBe(44);
    expect(sent.find(4)).toBeUndefined();
    expect(sent.count).toBe(2);
  });

  it('forgets a page', () => {
    const sent = new SentPages(64 * PAGE_SIZE);
    sent.add(3);
    sent.forget(3);
    sent.forget(5);
    expect(sent.find(3)).toBeUndefined();
    expect(sent.count).toBe(0);
  });

  it('drives no page out that is in use, so that a working set larger than it still finds a part of itself', () => {
    const places = 64;
    const sent = new SentPages(places * PAGE_SIZE);
    let found = 0;
    for (let round = 0; round < 10; round++) {
      found = 0;
      for (let page = 0; page < 2 * places; page++) {
        if (sent.find(page) === undefined) sent.add(page);
        else found++;
      }
      sent.advance();
    }
    expect(found).toBe(places);
  });

  it('gives the place of a page that is no longer sent to another one', () => {
    const sent = new SentPages(4 * PAGE_SIZE);
    for (let page = 0; page < 4; page++) sent.add(page);
    expect(sent.add(4)).toBeUndefined();
    for (let iteration = 0; iteration < 32; iteration++) sent.advance();
    expect(sent.add(4)).toBeDefined();
    expect(sent.find(4)).toBeDefined();
    expect(sent.count).toBe(4);
  });

  it('without memory keeps nothing', () => {
    const sent = new SentPages(0);
    expect(sent.add(1)).toBeUndefined();
    expect(sent.find(1)).toBeUndefined();
  });

  it('never gives two pages the same place', () => {
    const steps = fc.array(fc.record({ page: fc.nat(200), forget: fc.boolean() }), { maxLength: 300 });
    fc.assert(
      fc.property(steps, (all) => {
        const sent = new SentPages(32 * PAGE_SIZE);
        const kept = new Map<number, number>();
        all.forEach(({ page, forget }, step) => {
          if (forget) {
            sent.forget(page);
            kept.delete(page);
            return;
          }
          const copy = sent.find(page) ?? sent.add(page);
          if (copy === undefined) return;
          mark(copy, step);
          kept.set(page, step);
        });
        expect(sent.count).toBe(kept.size);
        for (const [page, step] of kept) expect(readMark(sent.find(page))).toBe(step);
      }),
      { numRuns: 30 },
    );
  });
});
