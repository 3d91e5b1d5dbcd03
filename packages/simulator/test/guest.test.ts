import { describe, expect, it } from 'vitest';
import { simulatedGuest } from '../src/index.js';

describe('a simulated guest', () => {
  it('is simulated page by page when it is small', () => {
    const { layout, scale } = simulatedGuest(2 ** 30, 2 ** 18);
    expect(scale).toBe(1);
    expect(layout.bytes).toBe(2 ** 30);
  });

  it('has as many pages counted as one as are too many otherwise', () => {
    const { layout, scale } = simulatedGuest(2 ** 40, 2 ** 21);
    expect(scale).toBe(128);
    expect(layout.bytes * scale).toBe(2 ** 40);
  });
});
