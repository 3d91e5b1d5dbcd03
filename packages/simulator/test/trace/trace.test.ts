import { gunzipSync, gzipSync } from 'node:zlib';
import { PageferryError } from '@pageferry/errors';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Recorded, Trace, TraceWriter } from '../../src/index.js';
import { emptySet, written } from '../workload/support.js';

const PAGES = 500;

interface Look {
  readonly pages: readonly number[];
  readonly durationMs: number;
}

function write(looks: readonly Look[]): Buffer {
  const writer = new TraceWriter(PAGES);
  for (const { pages, durationMs } of looks) {
    const dirtied = emptySet(PAGES);
    for (const page of pages) dirtied.add(page);
    writer.add(dirtied, durationMs);
  }
  return writer.finish();
}

function pagesOf(trace: Trace, look: number): number[] {
  const pages: number[] = [];
  const one = trace.looks[look];
  if (one === undefined) throw new Error(`there is no look ${look}`);
  trace.forEachRun(one, (first, count) => {
    for (let page = first; page < first + count; page++) pages.push(page);
  });
  return pages;
}

const anyLooks = fc.array(
  fc.record({
    pages: fc.uniqueArray(fc.nat(PAGES - 1), { maxLength: 200 }),
    durationMs: fc.integer({ min: 1, max: 5000 }),
  }),
  { minLength: 1, maxLength: 10 },
);

describe('Trace', () => {
  it('says what was written into it', () => {
    fc.assert(
      fc.property(anyLooks, (looks) => {
        const trace = new Trace(write(looks));
        expect(trace.pages).toBe(PAGES);
        expect(trace.looks.map(({ beginMs, endMs }) => endMs - beginMs)).toEqual(
          looks.map(({ durationMs }) => durationMs),
        );
        for (const [index, { pages }] of looks.entries()) {
          expect(pagesOf(trace, index)).toEqual([...pages].sort((a, b) => a - b));
        }
      }),
    );
  });

  const good = gunzipSync(
    write([
      { pages: [0, 1, 5, 400], durationMs: 100 },
      { pages: [], durationMs: 50 },
    ]),
  );

  it('refuses what ends too early or too late', () => {
    for (let length = 0; length < good.length; length++) {
      expect(() => new Trace(gzipSync(good.subarray(0, length)))).toThrow(PageferryError);
    }
    expect(() => new Trace(gzipSync(Buffer.concat([good, Buffer.from([0])])))).toThrow('after its end');
  });

  it('refuses what is not packed, or not a trace', () => {
    expect(() => new Trace(good)).toThrow('cannot be unpacked');
    expect(() => new Trace(gzipSync(Buffer.from('something else that is long enough')))).toThrow(
      'does not begin as one',
    );
    expect(() => new Trace(write([{ pages: [1], durationMs: 0 }]))).toThrow('has no length');
  });

  it('refuses more pages, looks or runs than there can be', () => {
    for (const [offset, value, what] of [
      [8, 2 ** 28 + 1, 'pages'],
      [12, 2 ** 20 + 1, 'looks'],
      [16, 3_600_000_001, 'microseconds'],
      [20, PAGES + 1, 'runs'],
      [8, 400, 'beyond the last page'],
    ] as const) {
      const bytes = Buffer.from(good);
      bytes.writeUInt32BE(value, offset);
      expect(() => new Trace(gzipSync(bytes))).toThrow(what);
    }
  });

  it('refuses any other bytes with its own error, or reads them without leaving the memory', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(good.length - 9), fc.nat(255)), { minLength: 1, maxLength: 8 }),
        (changes) => {
          const bytes = Buffer.from(good);
          for (const [at, value] of changes) bytes[8 + at] = value;
          try {
            const trace = new Trace(gzipSync(bytes));
            for (const index of trace.looks.keys()) {
              expect(pagesOf(trace, index).every((page) => page < trace.pages)).toBe(true);
            }
          } catch (thrown) {
            expect(thrown).toBeInstanceOf(PageferryError);
          }
        },
      ),
    );
  });
});

describe('Recorded', () => {
  it('writes what was recorded, and begins again at the end', () => {
    const recorded = new Recorded(
      new Trace(
        write([
          { pages: [1, 2], durationMs: 100 },
          { pages: [300], durationMs: 100 },
        ]),
      ),
    );
    const pages = (fromMs: number, toMs: number): number[] => {
      const dirtied = written(recorded, PAGES, fromMs, toMs);
      return [1, 2, 300].filter((page) => dirtied.has(page));
    };
    expect([pages(0, 100), pages(100, 200), pages(200, 300), pages(0, 5000)]).toEqual([
      [1, 2],
      [300],
      [1, 2],
      [1, 2, 300],
    ]);
  });

  it('writes each page of a look exactly once, wherever the look is cut', () => {
    fc.assert(
      fc.property(
        anyLooks,
        fc.array(fc.integer({ min: 1, max: 3000 }), { maxLength: 20 }),
        (looks, steps) => {
          const trace = new Trace(write(looks));
          const recorded = new Recorded(trace);
          let now = 0;
          let writes = 0;
          for (const step of [...steps, trace.durationMs]) {
            const to = Math.min(now + step, trace.durationMs);
            if (looks.length === 1) writes += written(recorded, PAGES, now, to).count;
            now = to;
          }
          const all = written(recorded, PAGES, 0, trace.durationMs);
          expect(all.count).toBe(new Set(looks.flatMap(({ pages }) => pages)).size);
          if (looks.length === 1) expect(writes).toBe(all.count);
        },
      ),
    );
  });
});
