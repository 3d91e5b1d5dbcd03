import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeRecords, encodeRecord } from '../src/journal-record.js';

const records = fc.array(fc.dictionary(fc.string(), fc.jsonValue()), { minLength: 1, maxLength: 5 });

/** What JSON makes of it: -0, for one, becomes 0. */
function throughJson(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

describe('decodeRecords', () => {
  it('reads back what was encoded', () => {
    fc.assert(
      fc.property(records, (written) => {
        const file = Buffer.concat(written.map(encodeRecord));
        expect(decodeRecords(file)).toEqual({
          records: written.map(throughJson),
          length: file.length,
          tornTail: false,
          damaged: false,
        });
      }),
    );
  });

  it('drops a last record that is cut off at any byte', () => {
    fc.assert(
      fc.property(records, (written) => {
        const lines = written.map(encodeRecord);
        const whole = Buffer.concat(lines.slice(0, -1));
        const file = Buffer.concat(lines);
        for (let length = whole.length + 1; length < file.length; length++) {
          expect(decodeRecords(file.subarray(0, length))).toEqual({
            records: written.slice(0, -1).map(throughJson),
            length: whole.length,
            tornTail: true,
            damaged: false,
          });
        }
      }),
      { numRuns: 30 },
    );
  });

  it('drops a last record of which a crash left zeros', () => {
    const good = encodeRecord({ state: 'setup' });
    const torn = Buffer.from(encodeRecord({ state: 'active' })).fill(0, 4, 12);
    expect(decodeRecords(Buffer.concat([good, torn]))).toMatchObject({ length: good.length, tornTail: true });
    expect(decodeRecords(Buffer.concat([good, Buffer.alloc(100)]))).toMatchObject({ tornTail: true });
  });

  it('never takes a changed byte for a record', () => {
    const file = Buffer.concat([{ a: 1 }, { b: 2 }, { c: 3 }].map(encodeRecord));
    fc.assert(
      fc.property(fc.nat(file.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const changed = Buffer.from(file);
        changed[at] = (changed[at] ?? 0) ^ change;
        const { records: found, tornTail, damaged } = decodeRecords(changed);
        expect([{ a: 1 }, { b: 2 }, { c: 3 }].slice(0, found.length)).toEqual(found);
        expect(found.length).toBeLessThan(3);
        expect(tornTail !== damaged).toBe(true);
      }),
    );
  });

  it('reports a broken record that others follow as damage', () => {
    const [first, second] = [encodeRecord({ a: 1 }), encodeRecord({ b: 2 })];
    first[12] = 0;
    expect(decodeRecords(Buffer.concat([first, second]))).toEqual({
      records: [],
      length: 0,
      tornTail: false,
      damaged: true,
    });
  });
});
