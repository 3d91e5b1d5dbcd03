import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { execPath } from 'node:process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PAGE_SIZE, looksCompressible } from '../src/index.js';

const FRAME = 64 * (PAGE_SIZE + 8);

describe('what looks compressible', () => {
  it.each([PAGE_SIZE, FRAME])('is not random: %d bytes', (length) => {
    for (let round = 0; round < 200; round++) {
      expect(looksCompressible(randomBytes(length), 0, length)).toBe(false);
    }
  });

  it('is a program, for the most part', () => {
    const program = readFileSync(execPath).subarray(0, 16 * 1024 * 1024);
    let compressible = 0;
    let pages = 0;
    for (let start = 0; start + PAGE_SIZE <= program.length; start += PAGE_SIZE, pages++) {
      if (looksCompressible(program, start, PAGE_SIZE)) compressible++;
    }
    expect(compressible).toBeGreaterThan(pages * 0.8);
  });

  it('is text, and only the part that is asked for counts', () => {
    const text = Buffer.from('what a guest may well have in its memory, over and over. '.repeat(200));
    const bytes = Buffer.concat([
      randomBytes(PAGE_SIZE),
      text.subarray(0, PAGE_SIZE),
      randomBytes(PAGE_SIZE),
    ]);
    expect([0, 1, 2].map((page) => looksCompressible(bytes, page * PAGE_SIZE, PAGE_SIZE))).toEqual([
      false,
      true,
      false,
    ]);
  });

  it('is anything of which there is little to look at', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 82 }), (bytes) => looksCompressible(bytes, 0, bytes.length)),
    );
  });
});
