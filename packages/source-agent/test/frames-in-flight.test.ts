import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FramesInFlight, isMuchLess } from '../src/frames-in-flight.js';

test('tells what is acknowledged, and when the newest of it was sent', () => {
  const frames = new FramesInFlight();
  expect([frames.add(100, 100, 1), frames.add(16, 4096, 2), frames.add(300, 300, 3)]).toEqual([1, 2, 3]);
  expect(frames.weight).toBe(4496);
  expect(frames.acknowledge(2)).toEqual({ bytes: 116, weight: 4196, references: 1, sentAtMs: 2 });
  expect(frames.weight).toBe(300);
});

test.each([0, 2, 2 ** 32 - 1])(
  'refuses the acknowledgement of a frame that is not in flight: %d',
  (sequence) => {
    const frames = new FramesInFlight();
    frames.add(1, 1, 0);
    expect(() => frames.acknowledge(sequence)).toThrow(
      expect.objectContaining({ code: 'protocol-violation' }),
    );
    expect(frames.weight).toBe(1);
  },
);

test('those that are forgotten cannot be acknowledged, and numbers go on', () => {
  const frames = new FramesInFlight();
  frames.add(10, 10, 0);
  expect(frames.forget()).toEqual({ bytes: 10, weight: 10, references: 0 });
  expect(() => frames.acknowledge(1)).toThrow(expect.objectContaining({ code: 'protocol-violation' }));
  expect(frames.add(20, 20, 1)).toBe(2);
  expect(frames.acknowledge(2)).toMatchObject({ bytes: 20 });
});

test('every frame counts once, however they are acknowledged', () => {
  const sizes = fc.array(fc.record({ bytes: fc.nat(1000), weight: fc.nat(100_000) }), { minLength: 1 });
  fc.assert(
    fc.property(sizes, fc.array(fc.nat(), { minLength: 1 }), (sent, places) => {
      const frames = new FramesInFlight();
      const sequences = sent.map(({ bytes, weight }, at) => frames.add(bytes, weight, at));
      const steps = [...new Set(places.map((place) => place % sent.length))].sort((a, b) => a - b);
      const totals = steps.map((place) => frames.acknowledge(sequences[place] ?? 0));
      totals.push({ ...frames.forget(), sentAtMs: 0 });
      const sum = (of: (one: { bytes: number; weight: number; references: number }) => number): number =>
        totals.reduce((all, one) => all + of(one), 0);
      expect(sum(({ bytes }) => bytes)).toBe(sent.reduce((all, { bytes }) => all + bytes, 0));
      expect(sum(({ weight }) => weight)).toBe(sent.reduce((all, { weight }) => all + weight, 0));
      expect(sum(({ references }) => references)).toBe(
        sent.filter(({ bytes, weight }) => isMuchLess(bytes, weight)).length,
      );
      expect(frames.weight).toBe(0);
    }),
  );
});
