import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readFileSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { FileReloader, type Reloaded } from '../../src/index.js';
import { recordingLog } from '../support/log-lines.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const INTERVAL_MS = 10;

interface Watching {
  readonly paths: readonly string[];
  readonly content: Reloaded<string>;
  readonly changes: string[];
  readonly lines: Record<string, unknown>[];
}

/** Two files that belong together: they must be equal. */
async function watch(intervalMs = INTERVAL_MS): Promise<Watching> {
  const directory = await temporaryDirectory();
  const paths = ['a', 'b'].map((name) => join(directory, name));
  await Promise.all(paths.map((path) => writeFile(path, 'first')));
  const { log, lines } = recordingLog();
  const reloader = new FileReloader(log, intervalMs);
  onTestFinished(() => {
    reloader.close();
  });
  const read = (): string => {
    const [a = '', b] = paths.map((path) => readFileSync(path, 'utf8'));
    if (a !== b) throw new Error('they do not match');
    return a;
  };
  const content = reloader.watch({ what: 'test files', paths, read });
  const changes: string[] = [];
  content.onChange((value) => changes.push(value));
  return { paths, content, changes, lines };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(INTERVAL_MS);
}

const errorsIn = (lines: readonly Record<string, unknown>[]): unknown[] =>
  lines.filter(({ level }) => level === 'error').map(({ msg }) => msg);

describe('FileReloader', () => {
  it('knows until when what it reads can be used', async () => {
    const directory = await temporaryDirectory();
    const path = join(directory, 'until');
    await writeFile(path, '1000');
    const { log } = recordingLog();
    const reloader = new FileReloader(log, INTERVAL_MS);
    onTestFinished(() => {
      reloader.close();
    });
    const read = (): number => Number(readFileSync(path, 'utf8'));
    reloader.watch({ what: 'for ever', paths: [path], read });
    const content = reloader.watch({ what: 'for a time', paths: [path], read, validUntil: (value) => value });
    expect(reloader.validities).toEqual([{ what: 'for a time', until: 1000 }]);
    await writeFile(path, '20000');
    await until(() => content.current === 20_000);
    expect(reloader.validities).toEqual([{ what: 'for a time', until: 20_000 }]);
  });

  it('reads files again that were replaced, however it was done', async () => {
    const { paths, content, changes } = await watch();
    expect(content.current).toBe('first');
    await Promise.all(paths.map((path) => writeFile(path, 'second')));
    await until(() => content.current === 'second');
    await Promise.all(
      paths.map(async (path) => {
        await writeFile(`${path}.new`, 'third!');
        await rename(`${path}.new`, path);
      }),
    );
    await until(() => content.current === 'third!');
    expect(changes).toEqual(['second', 'third!']);
  });

  it('keeps what it has while new files are of no use, and says so once', async () => {
    const { paths, content, lines } = await watch();
    const [a = '', b = ''] = paths;
    await writeFile(a, 'broken');
    await until(() => errorsIn(lines).length > 0);
    expect(content.current).toBe('first');
    expect(errorsIn(lines)).toEqual(['new files cannot be used: the old ones stay in use']);
    await rm(a);
    await until(() => errorsIn(lines).length > 1);
    await Promise.all([writeFile(a, 'mended'), writeFile(b, 'mended')]);
    await until(() => content.current === 'mended');
  });

  it('reads them at SIGHUP at once', async () => {
    const { paths, content, changes } = await watch(3_600_000);
    await Promise.all(paths.map((path) => writeFile(path, 'second')));
    process.emit('SIGHUP');
    expect(content.current).toBe('second');
    expect(changes).toEqual(['second']);
  });

  it('does not hear signals when it is closed', () => {
    const before = process.listenerCount('SIGHUP');
    const reloader = new FileReloader(recordingLog().log);
    expect(process.listenerCount('SIGHUP')).toBe(before + 1);
    reloader.close();
    expect(process.listenerCount('SIGHUP')).toBe(before);
  });
});
