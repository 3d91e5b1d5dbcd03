import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { repository } from '../environment/paths.js';
import { loggedFields } from './support/log-fields.js';

/** Of pino, and of what is spread into a line from another file. */
const fromElsewhere = [
  ...['level', 'time', 'name', 'pid', 'hostname', 'msg', 'request'],
  ...['skipped', 'decision', 'expectedDowntimeMs', 'remainingBytes'],
];

test('docs/logs.md has the fields that the agents log, and no others', async () => {
  const packages = ['daemon', 'source-agent', 'destination-agent', 'qemu', 'link', 'transfer'];
  const logged = await loggedFields(packages.map((name) => join(repository, 'packages', name, 'src')));
  expect(logged).toContain('migration');
  const text = await readFile(join(repository, 'docs', 'logs.md'), 'utf8');
  const tables = text.slice(text.indexOf('## Fields of every line'));
  const documented = [...tables.matchAll(/^\| (`[^|]*`) +\|/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`(\w+)`/g)].map(([, name = '']) => name),
  );
  expect([...logged, ...fromElsewhere].toSorted()).toEqual(documented.toSorted());
});
