import { describe, expect, it } from 'vitest';
import { RarerProbes } from '../src/rarer-probes.js';

/** The times, of so many, at which it was to be tried. */
function tries(probes: RarerProbes, times: number, pays: boolean): number[] {
  return Array.from({ length: times }, (_, time) => time).filter(() => probes.shouldTry(pays));
}

describe('probes of what does not pay', () => {
  it('come at once, and ever more rarely, up to an interval', () => {
    expect(tries(new RarerProbes(), 130, false)).toEqual([0, 8, 24, 56, 88, 120]);
  });

  it('are not needed while it pays, and come more often after that', () => {
    const probes = new RarerProbes();
    tries(probes, 130, false);
    expect(tries(probes, 100, true)).toHaveLength(100);
    expect(tries(probes, 30, false)).toEqual([0, 8, 24]);
  });
});
