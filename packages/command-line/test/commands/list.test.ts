import { expect, test } from 'vitest';
import { exitCodes } from '../../src/exit-codes.js';
import { json } from '../support/fake-agent.js';
import { completed, inPrecopy } from '../support/recorded-migration.js';
import { useCommandLine } from '../support/use-command-line.js';

const { agent, pageferry } = useCommandLine();

const LIST = 'GET /v1/migrations';

test('there is a line for each migration, below the names of the columns', async () => {
  agent().on(LIST, json({ migrations: [completed, inPrecopy], next: null }));
  const { code, environment } = await pageferry(['list']);
  expect(code).toBe(exitCodes.done);
  const [head, first, second, ...more] = environment.written.trimEnd().split('\n');
  expect(head).toMatch(/^ID +GUEST +DESTINATION +STATE +ARRIVED +STARTED +TIME +DOWNTIME$/);
  expect(first).toMatch(/web1 +ws:\/\/10\.0\.0\.2:7411 +completed +100% .* 3\.0 s +42 ms$/);
  expect(second).toMatch(/active +75% .* 2\.0 s +-$/);
  expect(more).toEqual([]);
});

test('pages are asked for until there are enough', async () => {
  const page = json({ migrations: [completed, inPrecopy], next: 'an-id' });
  agent().on(LIST, page);
  const { environment } = await pageferry([
    'list',
    '--limit',
    '3',
    '--state',
    'active',
    '--guest',
    'web1',
    '--json',
  ]);
  expect(environment.lastJson).toEqual({ migrations: [completed, inPrecopy, completed] });
  expect(
    agent()
      .asked(LIST)
      .map(({ path }) => path),
  ).toEqual([
    '/v1/migrations?limit=3&state=active&guest=web1',
    '/v1/migrations?limit=1&state=active&guest=web1&after=an-id',
  ]);
});

test('an agent that knows no pages is taken at its word', async () => {
  agent().on(LIST, json({ migrations: [inPrecopy] }));
  const { environment } = await pageferry(['list', '--json']);
  expect(environment.lastJson).toEqual({ migrations: [inPrecopy] });
});

test('no migration is said to be none', async () => {
  agent().on(LIST, json({ migrations: [], next: null }));
  expect((await pageferry(['list'])).environment.written).toBe('no migrations\n');
});
