import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseJson } from '../../src/api/parse-answer.js';
import { printable } from '../../src/api/printable.js';

const anyText = fc
  .array(fc.oneof(fc.nat(0x9f), fc.integer({ min: 0x2020, max: 0x2070 }), fc.nat(0xffff)))
  .map((units) => String.fromCharCode(...units));

test('no text keeps a control character, and what has none is kept as it is', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const shown = printable(text);
      return !/[\p{Cc}\u202a-\u202e\u2066-\u2069]/u.test(shown) && printable(shown) === shown;
    }),
  );
  expect(printable('Größe: 3 µs, 日本')).toBe('Größe: 3 µs, 日本');
});

test('whatever is answered is parsed or is not, and never throws', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      expect(() => parseJson(text)).not.toThrow();
    }),
  );
});
