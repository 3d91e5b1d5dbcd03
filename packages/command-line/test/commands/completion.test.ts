import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { beforeAll, expect, test } from 'vitest';
import { runCommandLine } from '../../src/run.js';
import { TestEnvironment } from '../support/test-environment.js';

const execute = promisify(execFile);

let script: string;

beforeAll(async () => {
  const environment = new TestEnvironment();
  await runCommandLine(['completion', 'bash'], environment);
  script = environment.written;
});

/** What bash would offer for the last of the words. */
async function completed(...words: readonly string[]): Promise<string[]> {
  const ask = 'COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _pageferry; printf "%s\\n" "${COMPREPLY[@]}"';
  const { stdout } = await execute('bash', ['-c', `${script}\n${ask}`, 'bash', 'pageferry', ...words]);
  return stdout.split('\n').filter((word) => word !== '');
}

test.each([
  [['mig'], ['migrate']],
  [['completion', 'b'], ['bash']],
  [
    ['migrate', 'web1', '--mode', ''],
    ['precopy', 'postcopy', 'hybrid'],
  ],
  [
    ['migrate', 'web1', '--band'],
    ['--bandwidth-precopy', '--bandwidth-postcopy'],
  ],
  [['--api', 'http://list', 'sw'], ['switchover']],
  [['--api', 'http://list', 'switchover', '--wi'], ['--with']],
  [['set', 'some-id', '--when-stalled', 's'], ['stop']],
  [['for'], ['forget']],
  [['ev'], ['evacuate']],
  [
    ['evacuate', '--when-one-fails', ''],
    ['continue', 'stop'],
  ],
  [
    ['evacuate', 'web1', '--no-s'],
    ['--no-storage', '--no-share'],
  ],
  [['show', '--to'], ['--token-file']],
  [['migrate', '--to', ''], []],
])('%j is completed to %j', async (words, expected) => {
  expect(await completed(...words)).toEqual(expected);
});
