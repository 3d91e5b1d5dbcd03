import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { pageClass } from '@pageferry/introspect';
import { FakeLinux, FakeMemory } from '../support/fake-linux.js';

const directory = mkdtempSync(join(tmpdir(), 'pageferry-introspect-'));
afterAll(() => {
  rmSync(directory, { recursive: true });
});

const dump = join(directory, 'guest.raw');
const program = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

function introspect(...args: string[]) {
  return spawnSync(process.execPath, [program, ...args], { encoding: 'utf8' });
}

test('prints what the pages of a dump are used for, and writes the class of each', () => {
  const memory = new FakeMemory();
  new FakeLinux(memory).writeFreeBlock(2048, 4);
  writeFileSync(dump, memory.bytes.subarray(0, 16 * 2 ** 20));
  const classes = join(directory, 'classes');
  const { stdout, status } = introspect(dump, '--classes', classes);
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ release: '6.12.7-test', pages: 4096, counts: { free: 16 } });
  const bytes = readFileSync(classes);
  expect(bytes).toHaveLength(4096);
  expect([...bytes.subarray(2047, 2049)]).toEqual([pageClass.kernel, pageClass.free]);
});

test('says why a dump is not supported', () => {
  writeFileSync(dump, Buffer.alloc(2 ** 20));
  const { stdout, status } = introspect(dump);
  expect(stdout).toMatch(/^\{"unsupported":"there is no Linux kernel [^"]*"\}\n$/);
  expect(status).toBe(2);
});

test('says that there is no such file', () => {
  const { stderr, status } = introspect(join(directory, 'missing'));
  expect(stderr).toMatch(/missing cannot be opened/);
  expect(status).toBe(1);
});
