import { expect, test } from 'vitest';
import { ascending } from '../../src/files/ascending.js';
import { Turns } from '../../src/turns.js';

test.each([0, 1, 1000, 100_000])(
  'puts %i numbers in order, also more than are sorted at once',
  async (count) => {
    const values = Float64Array.from(
      { length: count },
      (_, index) => -(2 ** 46) + ((index * 7919) % 100_003) * 8,
    );
    expect([...(await ascending(values, new Turns(undefined)))]).toEqual([...values.slice().sort()]);
  },
);
