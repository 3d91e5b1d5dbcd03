import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { json } from '../support/fake-agent.js';
import { useCommandLine } from '../support/use-command-line.js';

const { agent, pageferry } = useCommandLine();

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'inspect-'));
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

/** Two rows of cells and three more, and a second range behind a hole. */
const cells = Uint8Array.from({ length: 515 + 2 }, (_, cell) => (cell < 515 ? Math.min(cell, 4) : 1));
const inspection = {
  guest: 'web1',
  kernel: '6.12.9-amd64',
  reason: null,
  pages: { kernel: 1000, free: 6000, anonymous: 500, inode: 250, cache: 250 },
  map: {
    pagesPerCell: 16,
    ranges: [
      { start: 0, length: 515 * 16 * 4096 },
      { start: 2 ** 32, length: 2 * 16 * 4096 },
    ],
    cells: Buffer.from(cells).toString('base64'),
  },
  lookMs: 12,
};
const unsupported = {
  ...inspection,
  kernel: null,
  reason: 'there is no Linux kernel',
  pages: null,
  map: null,
};

test("a guest's memory is shown by what it is used for", async () => {
  agent().on('GET /v1/guests/web1/memory', json(inspection));
  const { environment, code } = await pageferry(['inspect', 'web1']);
  expect(code).toBe(0);
  const [title, ...rows] = environment.written.split('\n');
  expect(title).toBe('web1: Linux 6.12.9-amd64');
  expect(rows.map((line) => line.split(/ {2,}/))).toEqual([
    ['CLASS', 'PAGES', 'SIZE', 'SHARE'],
    ['kernel', '1000', '3.9 MiB', '12%'],
    ['free', '6000', '23.4 MiB', '75%'],
    ['anonymous', '500', '2.0 MiB', '6%'],
    ['inode', '250', '1000 KiB', '3%'],
    ['cache', '250', '1000 KiB', '3%'],
    ['all', '8000', '31.3 MiB', '100%'],
    [''],
  ]);
});

test('as JSON it is what the agent says', async () => {
  agent().on('GET /v1/guests/web1/memory', json(inspection));
  const { environment } = await pageferry(['inspect', 'web1', '--json']);
  expect(JSON.parse(environment.written)).toEqual(inspection);
});

test('a map of it is drawn, a range below the other', async () => {
  agent().on('GET /v1/guests/web1/memory', json(inspection));
  const file = join(directory, 'web1.svg');
  await pageferry(['inspect', 'web1', '--picture', file]);
  const picture = await readFile(file, 'utf8');
  expect(picture).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
  for (const label of ['kernel', 'free', 'anonymous', 'inode', 'cache', 'a square: 64 KiB']) {
    expect(picture).toContain(`>${label}</text>`);
  }
  expect(picture).toContain('0x100000000 to 0x100020000');
  // Side by side they are one bar, which ends with its row.
  const bars = [...picture.matchAll(/M\d+ \d+h(\d+)v4/g)].map(([, width]) => Number(width) / 4);
  expect(bars.sort((a, b) => a - b)).toEqual([1, 1, 1, 1, 2, 3, 252, 256]);
});

test('a guest that cannot be looked into is named with the reason, and has no map', async () => {
  agent().on('GET /v1/guests/web1/memory', json(unsupported));
  const { environment, code } = await pageferry(['inspect', 'web1']);
  expect(code).toBe(3);
  expect(environment.written).toBe('web1: unsupported: there is no Linux kernel\n');
  const drawn = await pageferry(['inspect', 'web1', '--picture', join(directory, 'none.svg')]);
  expect(drawn.code).toBe(2);
  expect(drawn.environment.complained).toMatch(/there is no map of web1/);
});

test('a file that cannot be written is named', async () => {
  agent().on('GET /v1/guests/web1/memory', json(inspection));
  const { environment, code } = await pageferry(['inspect', 'web1', '--picture', directory]);
  expect(code).toBe(2);
  expect(environment.complained).toMatch(/--picture: .* cannot be written: EISDIR/);
});
