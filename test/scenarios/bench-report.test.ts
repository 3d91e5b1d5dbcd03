import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { documentsOf, resultsFile } from '../bench/documents.js';
import { chartOf } from '../bench/report/chart.js';
import { toMarkdown } from '../bench/report/markdown.js';
import { report } from '../bench/report/report.js';
import { withOverview } from '../bench/report/overview.js';
import { spreadOf } from '../bench/report/spread.js';
import { formatted, merge, readResults, writeResults } from '../bench/results-file.js';
import { scenarios } from '../bench/scenarios.js';
import { givenUp, run, totals } from './support/bench-run.js';

describe('the spread of runs', () => {
  test('has the middle value of an odd number, and the mean of the middle two of an even one', () => {
    expect(spreadOf([30, 10, 20])).toEqual({ median: 20, min: 10, max: 30 });
    expect(spreadOf([40, 10, 20, 30])).toEqual({ median: 25, min: 10, max: 40 });
  });

  test('is nothing where there is no value', () => {
    expect(spreadOf([])).toBeNull();
    const { summaries } = report([run('idle', 1000, 'precopy', givenUp)]);
    expect(summaries).toMatchObject([{ downtime: null, completed: 0, runs: 1 }]);
  });

  test('of the slow-down is the part of the work that was not done; an idle guest has none', () => {
    const { summaries } = report([
      run('zipf', 1000, 'precopy'),
      run('idle', 1000, 'precopy', { undisturbedRate: 0, rate: 0 }),
    ]);
    expect(summaries.map(({ slowDown }) => slowDown?.median)).toEqual([0.25, undefined]);
  });
});

describe('ratios', () => {
  test('are of medians, within one scenario and link', () => {
    const { ratios } = report([
      ...totals('idle', 'qemu-precopy', [1000, 3000, 2000]),
      ...totals('idle', 'precopy', [500, 1000, 9000]),
      run('idle', 200, 'precopy', { totalMs: 7 }),
    ]);
    expect(ratios).toEqual([
      {
        ...{ scenario: 'idle', link: 1000, method: 'precopy', baseline: 'qemu-precopy' },
        ...{ pages: 1, bytes: 1, downtime: 1, totalTime: 0.5, guestGap: 1 },
        ...{ completed: true, baselineCompleted: true },
      },
    ]);
  });

  test('tell when a migration was given up, which has no downtime', () => {
    const { ratios } = report([
      run('zipf', 200, 'qemu-precopy', givenUp),
      run('zipf', 200, 'precopy', { totalMs: 12_000 }),
    ]);
    expect(ratios).toMatchObject([
      { pages: 0.02, downtime: null, totalTime: 0.1, completed: true, baselineCompleted: false },
    ]);
  });

  test("compare the best of pageferry's with the best of QEMU's that completed", () => {
    const { standings } = report([
      run('zipf', 200, 'qemu-precopy', { ...givenUp, pages: 1 }),
      run('zipf', 200, 'qemu-xbzrle', { pages: 2000 }),
      run('zipf', 200, 'qemu-postcopy', { pages: 1000 }),
      run('zipf', 200, 'precopy', { pages: 1500 }),
      run('zipf', 200, 'hybrid', { pages: 1200 }),
    ]);
    expect(standings.find(({ figure }) => figure === 'pages')).toMatchObject({
      ours: { method: 'hybrid', value: 1200 },
      theirs: { method: 'qemu-postcopy', value: 1000 },
      ratio: 1.2,
    });
  });
});

describe('targets', () => {
  test('are reached at the limit, and not beyond', () => {
    const { targets } = report([
      run('write-intensive', 1000, 'qemu-precopy', { pages: 1000, downtimeMs: 100, totalMs: 1000 }),
      run('write-intensive', 1000, 'precopy', { pages: 500, downtimeMs: 51, totalMs: 600 }),
    ]);
    expect(targets.precopy.map(({ wanted, measured, reached }) => [wanted, measured, reached])).toEqual([
      [0.5, 0.5, true],
      [0.5, 0.51, false],
      [0.6, 0.6, true],
    ]);
  });

  test.each([
    ['reached', {}],
    ['missed', givenUp],
  ] as const)("are %s by coming to an end where QEMU's pre-copy does not", (outcome, ours) => {
    const { targets } = report([
      run('hotspot', 1000, 'qemu-precopy', givenUp),
      run('hotspot', 1000, 'precopy', ours),
    ]);
    expect(targets.precopy).toHaveLength(4);
    for (const { reached } of targets.precopy) expect(reached).toBe(outcome === 'reached');
  });

  test('against a QEMU that sometimes comes to an end count its downtime only of the times when it did', () => {
    const { targets } = report([
      run('hotspot', 1000, 'qemu-precopy', givenUp),
      run('hotspot', 1000, 'qemu-precopy', { downtimeMs: 300 }),
      run('hotspot', 1000, 'precopy', { downtimeMs: 200, pages: 1, totalMs: 1 }),
    ]);
    expect(targets.precopy.slice(0, 3).map(({ reached }) => reached)).toEqual([true, false, true]);
  });

  test('of hybrid are against its own pages, and against both of QEMU', () => {
    const { targets } = report([
      run('idle', 200, 'qemu-precopy', { totalMs: 3000, downtimeMs: 300 }),
      run('idle', 200, 'qemu-postcopy', { totalMs: 2000, downtimeMs: 20 }),
      run('idle', 200, 'hybrid', { totalMs: 1900, downtimeMs: 30, pages: 1800, contentPages: 900 }),
    ]);
    expect(targets.hybrid.map(({ measured, reached }) => [measured, reached])).toEqual([
      [2, true],
      [1.5, false],
      [0.95, true],
    ]);
  });

  test('of hybrid are not reached by migrations that were given up', () => {
    const { targets } = report([run('idle', 200, 'hybrid', { ...givenUp, pages: 10 })]);
    expect(targets.hybrid).toMatchObject([{ reached: false }]);
  });
});

describe('the file of results', () => {
  test('has new runs in place of all older ones of the same scenario, link and method', () => {
    const [old, other] = [run('idle', 1000, 'precopy'), run('idle', 200, 'precopy')];
    const newer = totals('idle', 'precopy', [1, 2]);
    expect(merge([old, other, old], newer)).toEqual([...newer, other]);
  });

  test('brings back what was written, and refuses anything else', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'pageferry-'));
    try {
      const path = join(directory, 'results', 'file.json');
      expect(await readResults(path)).toEqual([]);
      const runs = [run('large', null, 'postcopy'), run('idle', 200, 'precopy', givenUp)];
      await writeResults(path, runs);
      expect(await readResults(path)).toEqual(runs);
      const text = await readFile(path, 'utf8');
      expect(text.startsWith('{\n  "results": [')).toBe(true);
      await expect(readResults(join(import.meta.dirname, '..', 'package.json'))).rejects.toThrow('results');
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});

describe('the document', () => {
  const measured = report([
    run('idle', 1000, 'qemu-precopy'),
    run('idle', 1000, 'precopy', { totalMs: 900 }),
    run('zipf', 1000, 'qemu-precopy', givenUp),
    run('zipf', 1000, 'precopy'),
  ]);

  test('has a section for everything that was measured, and for nothing else', () => {
    const text = toMarkdown(scenarios, measured);
    expect(text).toContain('## idle, 1 Gb/s');
    expect(text).toContain('## zipf, 1 Gb/s');
    expect(text).not.toContain('200 Mb/s');
    expect(text).toContain('| qemu-precopy | 0/1 | 120.0 |');
    expect(text).toContain('≤ 0.01');
  });

  test('tells which rows were measured under other conditions', () => {
    const unweighted = { memoryReserved: true, movedBefore: 1, daemonPeakBytes: 1000 } as const;
    const usual = { ...unweighted, processorWeight: 1000 } as const;
    const rows = [
      run('idle', 1000, 'qemu-precopy', { memoryReserved: true }),
      run('idle', 1000, 'precopy', { ...usual, movedBefore: 0 }),
      run('idle', 1000, 'hybrid', usual),
      run('idle', 1000, 'hybrid', { movedBefore: 1, processorWeight: 1000 }),
      run('idle', 1000, 'postcopy', unweighted),
    ];
    const text = toMarkdown(scenarios, report(rows));
    expect(text).toContain('The first guest, or gang, that its daemons moved: precopy.');
    expect(text).toContain('Into memory that was not reserved: hybrid.');
    expect(text).toContain('Daemons with no more of busy processors than a guest: postcopy.');
    const all = toMarkdown(scenarios, report([run('idle', 1000, 'precopy')]));
    expect(all).toContain('Into memory that was not reserved: all methods.');
  });

  test('has a picture of every method and scenario', () => {
    const picture = chartOf(1000, measured.summaries);
    expect(picture).toMatch(/^<svg /);
    for (const text of ['idle: total time', 'zipf: total time', 'qemu-precopy', 'given up']) {
      expect(picture).toContain(text);
    }
  });
});

describe('the README', () => {
  const measured = report([
    run('hotspot', 1000, 'hybrid', { totalMs: 5100, downtimeMs: 31, guestGapMs: 130 }),
    run('hotspot', 1000, 'qemu-precopy', givenUp),
  ]);
  const marks =
    '<!-- figures: generated by `npm run bench -- --write-docs` -->\nold\n<!-- end of the figures -->';

  test('gets the newest figures between its marks, and stays as it is around them', () => {
    const text = withOverview(`before\n${marks}\nafter`, scenarios, measured);
    expect(text).toMatch(/^before\n/);
    expect(text).toMatch(/\nafter$/);
    expect(text).not.toContain('old');
    expect(text).toContain('5.1 s, stopped for 31 ms, longest gap 130 ms');
    expect(text).toContain('given up after 120.0 s');
    expect(withOverview(text, scenarios, measured)).toBe(text);
  });

  test('without the marks is not touched', () => {
    expect(() => withOverview('before\nafter', scenarios, measured)).toThrow('no place for figures');
  });
});

test('the committed documents are those of the committed results', async () => {
  const documents = await documentsOf(await readResults(resultsFile));
  expect(documents.length).toBeGreaterThan(0);
  for (const { path, text } of documents) {
    expect(await formatted(path, text)).toBe(await readFile(path, 'utf8'));
  }
});
