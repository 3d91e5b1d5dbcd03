import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineSplitter } from '../../src/qmp/line-splitter.js';

const linesOf = (splitter: LineSplitter, chunk: string): string[] =>
  [...splitter.push(Buffer.from(chunk))].map((line) => Buffer.from(line).toString());

describe('LineSplitter', () => {
  it('yields the lines however the chunks fall', () => {
    const line = fc.string().map((text) => text.replaceAll('\n', ' '));
    fc.assert(
      fc.property(fc.array(line), fc.integer({ min: 1, max: 9 }), (lines, size) => {
        const bytes = Buffer.from(lines.map((text) => `${text}\n`).join(''));
        const splitter = new LineSplitter(1000);
        const found: string[] = [];
        for (let at = 0; at < bytes.length; at += size) {
          for (const part of splitter.push(bytes.subarray(at, at + size))) {
            found.push(Buffer.from(part).toString());
          }
        }
        expect(found).toEqual(lines.map((text) => Buffer.from(text).toString()));
        expect(splitter.pendingLength).toBe(0);
      }),
    );
  });

  it('accepts a line of the longest length and refuses one byte more, ended or not', () => {
    expect(linesOf(new LineSplitter(4), 'abcd\n')).toEqual(['abcd']);
    expect(() => linesOf(new LineSplitter(4), 'abcde\n')).toThrow('longer than 4 bytes');
    const splitter = new LineSplitter(4);
    linesOf(splitter, 'abc');
    expect(() => linesOf(splitter, 'de')).toThrow('longer than 4 bytes');
  });

  it('yields the good lines that come before one that is too long', () => {
    const lines: string[] = [];
    expect(() => {
      for (const line of new LineSplitter(4).push(Buffer.from('ab\nabcdef'))) {
        lines.push(Buffer.from(line).toString());
      }
    }).toThrow(RangeError);
    expect(lines).toEqual(['ab']);
  });
});
