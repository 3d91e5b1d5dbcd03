import { expect, test } from 'vitest';
import { exitCodes } from '../../src/exit-codes.js';
import { events, json } from '../support/fake-agent.js';
import { allMoved, givenUp, underway } from '../support/recorded-gang.js';
import { useCommandLine } from '../support/use-command-line.js';

// Ids that are no migration's, but a gang's.

const { agent, pageferry } = useCommandLine();

const { id } = underway;
const ONE = `/v1/migrations/${id}`;
const unknown = json(
  { type: 'urn:pageferry:error:migration-not-found', title: 'No such migration', status: 404 },
  404,
);

test('a gang is shown with its guests, their migrations and what is shared', async () => {
  agent().on(`GET ${ONE}`, unknown).on(`GET /v1/gangs/${id}`, json(underway));
  const { code, environment } = await pageferry(['show', id]);
  expect(code).toBe(exitCodes.done);
  expect(environment.written).toContain(`gang         ${id}\n`);
  expect(environment.written).toContain('40000 normal, 25600 reference\n');
  expect(environment.written).toMatch(/web1 +moved +100% +- +128 MiB +42 ms +1 +m1\n/);
  expect(environment.written).toMatch(/db1 +waiting +- +- +- +- +0 +-\n/);
});

test('a gang is watched until it is over', async () => {
  agent()
    .on(`GET ${ONE}`, unknown)
    .on(`GET ${ONE}/events`, unknown)
    .on(`GET /v1/gangs/${id}/events`, events([['end', allMoved]]));
  const { code, environment } = await pageferry(['watch', id]);
  expect(code).toBe(exitCodes.done);
  expect(environment.written).toContain('3 of 3 guests run on');
});

test.each([
  [[], underway, exitCodes.done],
  [['--wait'], givenUp, exitCodes.done],
  [['--wait'], allMoved, exitCodes.failed],
])('a gang is cancelled, and the exit code with %j says whether in time', async (flags, last, expected) => {
  agent()
    .on(`POST ${ONE}/cancel`, unknown)
    .on(`POST /v1/gangs/${id}/cancel`, json(underway, 202))
    .on(`GET /v1/gangs/${id}/events`, events([['end', last]]));
  expect((await pageferry(['cancel', id, ...flags])).code).toBe(expected);
});

test('an id that is neither is refused as a migration that is not there', async () => {
  agent().on(`GET ${ONE}`, unknown);
  const { code, environment } = await pageferry(['show', id]);
  expect(code).toBe(exitCodes.refused);
  expect(environment.complained).toContain('No such migration');
});

test('what a migration is refused for is not asked of a gang', async () => {
  const refusal = { type: 'urn:pageferry:error:migration-state', title: 'Too late', status: 409 };
  agent().on(`POST ${ONE}/cancel`, json(refusal, 409));
  expect((await pageferry(['cancel', id])).code).toBe(exitCodes.refused);
  expect(agent().received).toHaveLength(1);
});
