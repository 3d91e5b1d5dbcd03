import { describe, expect, it } from 'vitest';
import { IterationTable } from '../src/index.js';

const ITERATION = {
  durationMs: 250,
  dirtiedPages: 1,
  sentPages: 2,
  skippedPages: 3,
  sentBytes: 4,
  bandwidth: null,
  accumulatedRate: 5,
  remainingPages: 6,
};

describe('IterationTable', () => {
  it('numbers the iterations from 1', () => {
    const table = new IterationTable();
    expect(table.add(ITERATION)).toEqual({ number: 1, ...ITERATION });
    expect(table.add(ITERATION).number).toBe(2);
    expect(table.rows.map(({ number }) => number)).toEqual([1, 2]);
  });

  it('keeps the newest 512, and counts all of them', () => {
    const table = new IterationTable();
    for (let iteration = 0; iteration < 1000; iteration++) table.add(ITERATION);
    expect(table.rows).toHaveLength(512);
    expect(table.rows.at(0)?.number).toBe(489);
    expect(table.rows.at(-1)?.number).toBe(1000);
    expect(table.count).toBe(1000);
  });
});
