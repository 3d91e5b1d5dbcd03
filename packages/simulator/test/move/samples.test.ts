import { describe, expect, it } from 'vitest';
import { Samples } from '../../src/index.js';

describe('Samples', () => {
  it('are kept as they are while they are few', () => {
    const samples = new Samples();
    const one = { ms: 10, remainingBytes: 5, dirtiedBytesPerSecond: 7, arrivedBytesPerSecond: 9 };
    samples.add(one);
    expect(samples.all).toEqual([one]);
  });

  it('are merged when they become many, to mean rates and to what remains at the end', () => {
    const samples = new Samples();
    for (let index = 1; index <= 100_000; index++) {
      samples.add({
        ms: index * 10,
        remainingBytes: index,
        dirtiedBytesPerSecond: index % 2,
        arrivedBytesPerSecond: 100,
      });
    }
    const { all } = samples;
    expect(all.length).toBeGreaterThan(400);
    expect(all.length).toBeLessThanOrEqual(1025);
    expect(all.at(-1)).toMatchObject({ ms: 1_000_000, remainingBytes: 100_000 });
    for (const { dirtiedBytesPerSecond, arrivedBytesPerSecond } of all) {
      expect(dirtiedBytesPerSecond).toBeCloseTo(0.5, 1);
      expect(arrivedBytesPerSecond).toBeCloseTo(100, 6);
    }
  });
});
