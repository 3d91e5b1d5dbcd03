import { appendFile, mkdir, readFile, readdir, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Journal, type JournalOptions } from '../src/index.js';
import { startChild } from './support/child.js';
import { recordingLog } from './support/log-lines.js';
import { temporaryDirectory } from './support/temporary-directory.js';

async function openJournal(directory: string, options: Partial<JournalOptions> = {}): Promise<Journal> {
  const journal = await Journal.open(directory, 'm-1', { log: recordingLog().log, ...options });
  onTestFinished(() => journal.close());
  return journal;
}

/** Matches an error of the journal, as an object or in JSON, whose message has `text` in it. */
function saying(text: string): { code: string; message: unknown } {
  const message: unknown = expect.stringContaining(text);
  return { code: 'journal', message };
}

describe('Journal', () => {
  it('keeps records across runs', async () => {
    const directory = join(await temporaryDirectory(), 'state', 'source');
    const first = await openJournal(directory);
    await first.append({ state: 'setup' });
    await first.close();
    const second = await openJournal(directory);
    await second.append({ state: 'interrupted' });
    expect(await Journal.readAll(directory)).toEqual([
      { id: 'm-1', records: [{ state: 'setup' }, { state: 'interrupted' }], tornTail: false, damaged: false },
    ]);
  });

  it('has a record on file when append resolves, readable by the owner only', async () => {
    const directory = await temporaryDirectory();
    const journal = await openJournal(directory);
    await journal.append({ owner: 'destination' });
    expect(await readFile(join(directory, 'm-1.journal'), 'utf8')).toMatch(
      /^[0-9a-f]{8} {"owner":"destination"}\n$/,
    );
    expect((await stat(join(directory, 'm-1.journal'))).mode & 0o777).toBe(0o600);
  });

  it('keeps the order of many concurrent appends, and each record as it was then', async () => {
    const directory = await temporaryDirectory();
    const journal = await openJournal(directory);
    const record = { number: 0 };
    const appends: Promise<void>[] = [];
    for (; record.number < 200; record.number++) appends.push(journal.append(record));
    await Promise.all(appends);
    const [stored] = await Journal.readAll(directory);
    expect(stored?.records).toEqual(Array.from({ length: 200 }, (_, number) => ({ number })));
  });

  it('goes on after the last whole record, wherever the file was cut', async () => {
    const directory = await temporaryDirectory();
    const path = join(directory, 'm-1.journal');
    const journal = await openJournal(directory);
    await journal.append({ state: 'setup' });
    const kept = (await stat(path)).size;
    await journal.append({ state: 'active' });
    await journal.close();
    const file = await readFile(path);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: kept + 1, max: file.length - 1 }), async (length) => {
        await writeFile(path, file);
        await truncate(path, length);
        expect(await Journal.readAll(directory)).toMatchObject([
          { records: [{ state: 'setup' }], tornTail: true },
        ]);
        const { log, lines } = recordingLog();
        const reopened = await openJournal(directory, { log });
        expect(lines).toMatchObject([{ level: 'warn' }]);
        await reopened.append({ state: 'failed' });
        await reopened.close();
        expect(await Journal.readAll(directory)).toMatchObject([
          { records: [{ state: 'setup' }, { state: 'failed' }], tornTail: false },
        ]);
      }),
      { numRuns: 30 },
    );
  });

  it('is not opened, but reported, when it is damaged', async () => {
    const directory = await temporaryDirectory();
    const journal = await openJournal(directory);
    await journal.append({ state: 'setup' });
    await journal.close();
    await appendFile(join(directory, 'm-1.journal'), 'garbage\nmore garbage\n');
    expect(await Journal.readAll(directory)).toMatchObject([
      { records: [{ state: 'setup' }], damaged: true },
    ]);
    await expect(openJournal(directory)).rejects.toMatchObject(saying('is damaged at byte'));
  });

  it('does not grow beyond its limit', async () => {
    const directory = await temporaryDirectory();
    const journal = await openJournal(directory, { maxBytes: 100 });
    await journal.append({ text: 'x'.repeat(60) });
    await expect(journal.append({ text: 'x'.repeat(60) })).rejects.toMatchObject({ code: 'journal' });
    await journal.append({ a: 1 });
    expect((await stat(join(directory, 'm-1.journal'))).size).toBeLessThanOrEqual(100);
  });

  it('refuses what JSON cannot express, and goes on', async () => {
    const journal = await openJournal(await temporaryDirectory());
    await expect(journal.append({ bytes: 1n })).rejects.toMatchObject({ code: 'journal' });
    await expect(journal.append({ toJSON: () => undefined })).rejects.toMatchObject({ code: 'journal' });
    await expect(journal.append({ bytes: 1 })).resolves.toBeUndefined();
  });

  it('takes nothing more once closed, but finishes what was appended before', async () => {
    const directory = await temporaryDirectory();
    const journal = await openJournal(directory);
    const last = journal.append({ last: true });
    await journal.close();
    await last;
    await expect(journal.append({})).rejects.toMatchObject({ code: 'journal' });
    expect(await Journal.readAll(directory)).toMatchObject([{ records: [{ last: true }] }]);
  });

  it('is gone when removed', async () => {
    const directory = await temporaryDirectory();
    const journal = await openJournal(directory);
    await journal.append({ state: 'completed' });
    await journal.remove();
    expect(await readdir(directory)).toEqual([]);
  });

  it.each(['', '.', '../m-1', 'a/b', 'x'.repeat(65), 'a\0'])('cannot be named %j', async (id) => {
    const directory = await temporaryDirectory();
    await expect(Journal.open(directory, id, { log: recordingLog().log })).rejects.toMatchObject({
      code: 'journal',
    });
  });
});

describe('Journal.readAll', () => {
  it('finds nothing where there is no directory', async () => {
    expect(await Journal.readAll(join(await temporaryDirectory(), 'none'))).toEqual([]);
  });

  it('lists journals by id and looks at no other files', async () => {
    const directory = await temporaryDirectory();
    for (const id of ['b', 'a'])
      await (await Journal.open(directory, id, { log: recordingLog().log })).close();
    await writeFile(join(directory, 'notes.txt'), 'x');
    expect((await Journal.readAll(directory)).map(({ id }) => id)).toEqual(['a', 'b']);
  });

  it('says which file cannot be read', async () => {
    const directory = await temporaryDirectory();
    await mkdir(join(directory, 'm-1.journal'));
    await expect(Journal.readAll(directory)).rejects.toMatchObject(saying('EISDIR'));
  });
});

describe('Journal on a disk that refuses', () => {
  it('cannot be opened without permission', async () => {
    const directory = await temporaryDirectory();
    await mkdir(join(directory, 'closed'), { mode: 0o555 });
    // Root may write anywhere, unless it gives up that privilege.
    const command = process.getuid?.() === 0 ? ['setpriv', '--bounding-set=-all', '--inh-caps=-all'] : [];
    const child = startChild('journal-program.js', [join(directory, 'closed')], {
      command: [...command, process.execPath],
    });
    const { stdout } = await child.finished;
    expect(JSON.parse(stdout)).toMatchObject({ acknowledged: 0, ...saying('EACCES') });
  });

  it('keeps every acknowledged record when a write fails halfway', async () => {
    const directory = await temporaryDirectory();
    const child = startChild('journal-program.js', [directory], {
      command: ['prlimit', '--fsize=1000', process.execPath],
    });
    const { stdout } = await child.finished;
    expect(JSON.parse(stdout)).toMatchObject({ acknowledged: 7, code: 'journal' });
    const [stored] = await Journal.readAll(directory);
    expect(stored?.records).toHaveLength(7);
    expect(stored?.tornTail).toBe(true);
  });
});
